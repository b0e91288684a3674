"""Models for tests: rows, and folders that could be served."""

import json
import struct
from pathlib import Path
from typing import Any

from inference.registry.models import Model

WHEEL = f"wheel:some-weights==1.0/weights/tiny.gguf#sha256={'0' * 64}"


def model_row(name: str = "tiny", **fields: Any) -> Model:
    """Return a saved model that nothing runs."""
    return Model.objects.create(name=name, **{"source": WHEEL, **fields})


def model_folder(path: Path) -> Path:
    """Make the smallest folder that passes for a safe model."""
    path.mkdir(parents=True)
    header = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    for name in ("config.json", "tokenizer.json"):
        (path / name).write_text("{}")
    return path
