"""A model directory that is unsafe or not whole is refused by name before anything is loaded."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from inference.engine.checkpoint import BrokenCheckpoint, UnsafeCheckpoint, check_directory


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory that passes."""
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    tensors: dict[str, Any] = {
        "a": np.ones((3, 5), np.float32),
        "b": np.ones(7, np.float16),
        "empty": np.ones((0, 4), np.int64),
    }
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    check_directory(tmp_path)
    return tmp_path


def _write_weights(path: Path, header: Any, data: bytes = b"") -> None:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content + data)


def _tensor(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pt", "x.pth", "x.CKPT", "x.pkl", "modeling_x.py", "x.so"]
)
def test_pickles_and_code_are_unsafe_even_beside_good_weights(model: Path, name: str) -> None:
    (model / name).write_bytes(b"")
    with pytest.raises(UnsafeCheckpoint, match=name):
        check_directory(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_an_auto_map_is_unsafe_in_any_configuration(model: Path, name: str) -> None:
    (model / name).write_text('{"auto_map": {"AutoConfig": "x.Y"}}')
    with pytest.raises(UnsafeCheckpoint, match=rf"^{name} has an auto_map"):
        check_directory(model)


def test_weights_named_by_the_configuration_are_unsafe(model: Path) -> None:
    (model / "config.json").write_text('{"transformers_weights": "notes.txt"}')
    with pytest.raises(UnsafeCheckpoint, match="transformers_weights"):
        check_directory(model)


def test_an_adapter_is_unsafe(model: Path) -> None:
    (model / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    with pytest.raises(UnsafeCheckpoint, match="adapter_config"):
        check_directory(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_what_is_missing_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(BrokenCheckpoint, match=rf"{name} is missing"):
        check_directory(model)


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '"x"'])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_garbled_file_is_named(model: Path, name: str, content: str) -> None:
    (model / name).write_text(content)
    with pytest.raises(BrokenCheckpoint, match=name):
        check_directory(model)


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenCheckpoint, match="nowhere is not a directory"):
        check_directory(tmp_path / "nowhere")


def test_weights_cut_short_anywhere_are_broken(model: Path) -> None:
    weights = model / "model.safetensors"
    whole = weights.read_bytes()
    for length in range(len(whole)):
        weights.write_bytes(whole[:length])
        with pytest.raises(BrokenCheckpoint, match=r"model\.safetensors"):
            check_directory(model)


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (b"not json", b""),
        ([], b""),
        ({"a": 5}, b""),
        ({"a": {"dtype": "F32"}}, b""),
        ({"a": _tensor(0, 8, [1])}, bytes(8)),
        ({"a": _tensor(0, 2**62, [2**60])}, bytes(8)),
        ({"a": _tensor(8, 0, [2])}, bytes(8)),
        ({"a": _tensor(-8, 0, [2])}, bytes(8)),
        ({"a": _tensor(0, 4, [-1])}, bytes(4)),
        ({"a": _tensor(0, 8, [2]), "b": _tensor(4, 12, [2])}, bytes(12)),
        ({"a": _tensor(4, 8, [1])}, bytes(8)),
        ({"a": _tensor(0, 4, [1])}, bytes(9)),
    ],
)
def test_headers_that_contradict_the_file_are_broken(model: Path, header: Any, data: bytes) -> None:
    _write_weights(model / "model.safetensors", header, data)
    with pytest.raises(BrokenCheckpoint, match=r"model\.safetensors"):
        check_directory(model)


def test_a_header_longer_than_the_file_is_not_read(model: Path) -> None:
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(BrokenCheckpoint, match="cut short"):
        check_directory(model)


def _shard(model: Path, weight_map: dict[str, Any]) -> None:
    (model / "model.safetensors").rename(model / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": weight_map}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


def test_shards_that_match_their_index_pass(model: Path) -> None:
    _shard(model, dict.fromkeys(("a", "b", "empty"), "model-00001-of-00001.safetensors"))
    check_directory(model)


@pytest.mark.parametrize(
    "weight_map",
    [
        {},
        {"a": "model-00002-of-00002.safetensors"},
        {"a": "../model.safetensors"},
        {"c": "model-00001-of-00001.safetensors"},
        {"a": 7},
    ],
)
def test_an_index_that_does_not_match_its_shards_is_broken(
    model: Path, weight_map: dict[str, Any]
) -> None:
    _shard(model, weight_map)
    with pytest.raises(BrokenCheckpoint, match=r"index\.json"):
        check_directory(model)


def test_the_list_of_an_embedding_models_training_data_is_no_configuration(model: Path) -> None:
    (model / "data_config.json").write_text('[{"name": "reddit"}]')
    check_directory(model)


def test_a_model_of_images_needs_no_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").unlink()
    check_directory(model, with_tokenizer=False)
