"""The files of a model that reads text in pictures: three ONNX graphs, and a config.json of ours.

They are what RapidOCR's wheel brings: one graph finds lines, one turns those that stand on their
head, one reads them. An ONNX file holds tensors and operators, and no code.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ARCHITECTURE: Final = "RapidOCR"
# What each graph does → what its name holds, whatever version and size it is.
_PARTS: Final = {"detection": "_det_", "recognition": "_rec_", "direction": "_cls_"}


def ocr_described(directory: Path) -> bool:
    """Write the config.json of graphs as the wheel has them; return whether they are there."""
    found = {role: _only(directory, role) for role in _PARTS}
    if (directory / "config.json").exists() or not all(found.values()):
        return False
    config = {"architectures": [ARCHITECTURE], **found}
    (directory / "config.json").write_text(f"{json.dumps(config, indent=2)}\n")
    return True


def ocr_graphs(directory: Path, config: Mapping[str, object]) -> dict[str, Path]:
    """Return where each graph lies; nothing for what is no such model.

    A name that leads elsewhere is left out, as is one without a file.
    """
    if config.get("architectures") != [ARCHITECTURE]:
        return {}
    named = {role: str(config.get(role, "")) for role in _PARTS}
    paths = {role: directory / name for role, name in named.items() if Path(name).name == name}
    return {role: path for role, path in paths.items() if path.suffix == ".onnx"}


def _only(directory: Path, role: str) -> str:
    names = [file.name for file in directory.glob(f"*{_PARTS[role]}*.onnx")]
    return names[0] if len(names) == 1 else ""
