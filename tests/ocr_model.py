"""The model that reads text in pictures, out of the installed package, and a picture for it."""

import importlib.util
import io
import os
from pathlib import Path
from typing import Final

import pytest
from PIL import Image, ImageDraw, ImageFont

from inference.engine.ocr_files import ocr_described

LINES: Final = ("Invoice 4711", "Total 98.50 EUR", "Paid in full")
TOPS: Final = (30, 110, 190)  # pixels
_MISSING: Final = "the extra of requirements-ocr.txt is not installed: make install-ocr"


def package_folder() -> Path:
    """Return where the package lies; skip without it, and fail instead under CI."""
    found = importlib.util.find_spec("rapidocr")
    if found is None or found.origin is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    return Path(found.origin).parent


def make_ocr_model(folder: Path) -> Path:
    """Make a model directory of the package's own graphs in the new `folder`."""
    graphs = package_folder() / "models"
    folder.mkdir()
    for graph in graphs.glob("*.onnx"):
        (folder / graph.name).symlink_to(graph)
    assert ocr_described(folder)
    return folder


def page() -> Image.Image:
    """Return a picture of LINES, one below the other."""
    image = Image.new("RGB", (480, 260), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=36)
    for line, top in zip(LINES, TOPS, strict=True):
        draw.text((40, top), line, fill="black", font=font)
    return image


def as_png(image: Image.Image) -> bytes:
    """Return the picture as a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
