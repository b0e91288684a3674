"""A GGUF file on this machine is converted once, whole, or refused with what is wrong with it."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from django.core.exceptions import ValidationError
from safetensors import safe_open

from inference.engine.checkpoint import check_directory
from inference.engine.text.tokenizer import Tokenizer
from inference.registry import conversion, fetch, services
from inference.registry.agent import preparation
from inference.registry.agent.preparation import Preparation, needed
from inference.registry.fetch import FetchError, is_prepared, prepare
from inference.registry.models import Model
from inference.registry.sources import GgufSource
from tests.tiny_gguf import write_tiny_gguf


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "given").mkdir()
    write_tiny_gguf(tmp_path / "given" / "tiny.gguf")
    return tmp_path / "given" / "tiny.gguf"


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def left(destination: Path) -> list[Path]:
    """Return what a refused file has left, but for the lock."""
    if not destination.parent.exists():
        return []
    return [one for one in destination.parent.rglob("*") if one.is_file() and one.suffix != ".lock"]


def test_a_file_becomes_safetensors_with_its_digest_beside_them(
    file: Path, destination: Path
) -> None:
    steps: list[tuple[str, int, int]] = []
    prepare(GgufSource(file), destination, "bfloat16", lambda *step: steps.append(step))
    check_directory(destination)
    with safe_open(destination / "model.safetensors", framework="np") as weights:
        dtypes = {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
    assert dtypes == {"BF16"}
    assert Tokenizer.load(destination).encode("th")
    assert json.loads((destination / "manifest.json").read_text()) == {
        "name": "tiny",
        "source": f"gguf:{file}",
        "sha256": sha256(file),
        "dtype": "bfloat16",
    }
    assert is_prepared(GgufSource(file), destination, "bfloat16")
    assert is_prepared(GgufSource(file), destination, "int8")  # rounded when it is loaded
    assert not is_prepared(GgufSource(file), destination, "float32")
    assert steps[-1] == ("reading the model", file.stat().st_size, file.stat().st_size)
    assert not (destination.parent / ".downloads" / "tiny").exists()


def test_it_is_converted_once_and_the_file_may_go(file: Path, destination: Path) -> None:
    pinned = GgufSource(file, sha256(file))
    prepare(pinned, destination, "bfloat16")
    assert is_prepared(pinned, destination, "bfloat16")
    assert not is_prepared(GgufSource(file), destination, "bfloat16")  # it is the pinned one's
    before = (destination / "model.safetensors").stat()
    file.unlink()
    prepare(pinned, destination, "bfloat16")
    assert (destination / "model.safetensors").stat() == before
    wanted = Preparation(str(pinned), str(destination), "bfloat16")
    assert not needed(wanted)


def test_the_agents_process_prepares_it(
    file: Path, destination: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Preparation(f"gguf:{file}", str(destination), "float32")
    assert needed(asked)
    assert preparation.main(msgspec.json.encode(asked).decode()) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["step"] == "reading the model"
    check_directory(destination)


def _write(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(change(file.read_bytes()))


def _replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


UNREADABLE = "is damaged or of a kind that transformers cannot read"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (_write(lambda whole: whole[: len(whole) // 2]), UNREADABLE),
    "its last bytes cut": (_write(lambda whole: whole[:-33]), UNREADABLE),
    "noise": (_write(lambda whole: whole[:8] + bytes(range(256)) * 20), UNREADABLE),
    "version": (_write(lambda whole: whole[:4] + b"\x09" + whole[5:]), "is of GGUF version 9"),
    "other": (_write(lambda whole: b"PK\x03\x04" * 100), "does not begin as one"),
    "empty": (_write(lambda whole: b""), "does not begin as one"),
    "tensor": (
        lambda file: write_tiny_gguf(file, leave_out="blk.0.ffn_up.weight"),
        "lacks 1 tensors",
    ),
    "folder": (_replace_by_folder, "is no file on this machine"),
    "gone": (Path.unlink, "is no file on this machine"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_converted_is_refused_by_name_and_leaves_nothing(
    file: Path, destination: Path, damage: str
) -> None:
    harm, reason = DAMAGES[damage]
    harm(file)
    with pytest.raises(FetchError) as refused:
        prepare(GgufSource(file), destination, "bfloat16")
    assert reason in str(refused.value)
    assert "tiny.gguf" in str(refused.value)
    assert ".downloads" not in str(refused.value)
    assert left(destination) == []


def test_another_file_than_the_one_named_is_refused_with_both_digests(
    file: Path, destination: Path
) -> None:
    with pytest.raises(FetchError, match=f"expected SHA-256 {'0' * 64}, got {sha256(file)}"):
        prepare(GgufSource(file, "0" * 64), destination, "bfloat16")
    assert left(destination) == []


def test_a_file_that_changes_while_it_is_read_is_refused(
    file: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert_and_touch(*arguments: object) -> None:
        conversion.convert(*arguments)  # type: ignore[arg-type]
        os.utime(file, ns=(0, 0))

    monkeypatch.setattr(fetch, "convert", convert_and_touch)
    with pytest.raises(FetchError, match="was changed while it was read"):
        prepare(GgufSource(file), destination, "bfloat16")
    assert left(destination) == []


def test_nothing_that_lies_beside_the_file_is_read(file: Path, destination: Path) -> None:
    for name in ("config.json", "tokenizer_config.json", "tokenizer.json"):
        (file.parent / name).write_text('{"auto_map": {"AutoConfig": "hostile.Config"}}')
    (file.parent / "hostile.py").write_text("raise SystemExit('code beside a model was run')")
    prepare(GgufSource(file), destination, "bfloat16")
    check_directory(destination)


def test_too_little_disk_is_told_before_the_conversion(
    file: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_OTHER_FILES", 10**15)
    with pytest.raises(FetchError, match="MB of free disk space are needed"):
        prepare(GgufSource(file), destination, "bfloat16")
    assert left(destination) == []


def _refused(**fields: object) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        services.model_save(model=Model(), fields={"name": "tiny", "enabled": False, **fields})
    return caught.value.message_dict


@pytest.mark.django_db
def test_the_registry_refuses_a_file_that_is_none(file: Path) -> None:
    services.model_save(
        model=Model(), fields={"name": "good", "enabled": False, "source": f"gguf:{file}"}
    )
    (file.parent / "bad.gguf").write_bytes(b"garbage")
    assert "does not begin as one" in _refused(source=f"gguf:{file.parent}/bad.gguf")["source"][0]
    assert "no file" in _refused(source=f"gguf:{file.parent}/none.gguf")["source"][0]
    assert "chat only" in _refused(source=f"gguf:{file}", task="embeddings")["task"][0]
    assert "choose bfloat16 or float32" in _refused(task="rerank", dtype="int8")["dtype"][0]
