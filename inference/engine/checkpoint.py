"""Is a model directory safe and whole? Decided by reading headers, before anything is loaded."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inference.engine.ocr_files import ocr_graphs

# Code, and formats that run code while they are read (CVE-2025-66448, CVE-2026-22807).
_CODE_SUFFIXES: Final = frozenset({".py", ".pyc", ".so"})
_PICKLE_SUFFIXES: Final = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
_WEIGHTS: Final = "model.safetensors"
_INDEX: Final = "model.safetensors.index.json"
# The data sets that an embedding model of sentence-transformers saw: a list, which nothing loads.
_TRAINING_DATA: Final = "data_config.json"
_GRAPHS: Final = 3  # of a model that reads text in pictures
_MAX_JSON_BYTES: Final = 256 * 1024 * 1024
_LENGTH: Final = struct.Struct("<Q")
# The safetensors library's own bound.
_MAX_HEADER_BYTES: Final = 100_000_000
# Bits an element, https://github.com/huggingface/safetensors#format; kinds not listed here are
# only checked to lie inside the file.
_BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16,
    "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
}  # fmt: skip


class CheckpointError(Exception):
    """The directory must not be loaded. The text names the file and is safe to show."""


class UnsafeCheckpoint(CheckpointError):
    """Loading it could run code that came with it."""


class BrokenCheckpoint(CheckpointError):
    """Something is missing, cut short or contradicts itself."""


# What transformers reads; others beside them may be lists, of the data a model was trained on.
_LOADED_CONFIGS: Final = frozenset(
    f"{kind}config.json" for kind in ("", "generation_", "preprocessor_", "tokenizer_")
)


@dataclass(frozen=True)
class _Tensor:
    name: str
    start: int  # bytes from the end of the header
    end: int
    size: int | None  # bytes that dtype and shape make; None: unknown dtype


def check_directory(path: Path, *, with_tokenizer: bool = True) -> None:
    """Return if the model in `path` may be loaded. Raises CheckpointError with the reason.

    A model of images has no use for a tokenizer and need not have one.

    Only the directory's own files are looked at: nothing is ever loaded from folders inside it.
    """
    if not path.is_dir():
        raise BrokenCheckpoint(f"{path} is not a directory")
    files = sorted(file for file in path.iterdir() if not file.is_dir())
    for file in files:
        _check_name(file)
    _check_configs(path, files)
    if with_tokenizer:
        _check_tokenizer(path)
    _check_weights(path, files)


def _check_tokenizer(path: Path) -> None:
    if not (path / "tokenizer.json").is_file():
        raise BrokenCheckpoint("tokenizer.json is missing: the model needs a fast tokenizer")
    _read_object(path / "tokenizer.json")


def _check_name(file: Path) -> None:
    suffix = file.suffix.lower()
    if suffix in _CODE_SUFFIXES:
        raise UnsafeCheckpoint(f"{file.name} is program code; a model directory must hold none")
    if suffix in _PICKLE_SUFFIXES:
        raise UnsafeCheckpoint(
            f"{file.name} is a pickle, which runs code when read; convert it to safetensors"
        )
    if file.name == "adapter_config.json":
        raise UnsafeCheckpoint(
            f"{file.name} names weights outside the directory; merge the adapter into the model"
        )


def _check_configs(path: Path, files: list[Path]) -> None:
    if not (path / "config.json").is_file():
        raise BrokenCheckpoint("config.json is missing")
    for file in files:
        if not file.name.endswith("config.json") or file.name == _TRAINING_DATA:
            continue
        config = _read_json(file)
        if not isinstance(config, dict):
            if file.name in _LOADED_CONFIGS:
                raise _no_object(file)
            continue  # a list, of the data it was trained on: nothing that is loaded
        if "auto_map" in config:
            raise UnsafeCheckpoint(f"{file.name} has an auto_map, which loads code of the model's")
        if "transformers_weights" in config:
            raise UnsafeCheckpoint(f"{file.name} names its own weight file (transformers_weights)")


def _check_weights(path: Path, files: list[Path]) -> None:
    tensors = {
        file.name: _check_safetensors(file) for file in files if file.suffix == ".safetensors"
    }
    if (path / _INDEX).is_file():
        _check_index(_read_object(path / _INDEX), tensors)
    elif graphs := ocr_graphs(path, _read_object(path / "config.json")):
        _check_graphs(graphs)
    elif _WEIGHTS not in tensors:
        raise BrokenCheckpoint(f"{_WEIGHTS} is missing, and so is {_INDEX}")


def _check_graphs(graphs: dict[str, Path]) -> None:
    """Graphs are read by ONNX Runtime, which refuses what is damaged."""
    if len(graphs) != _GRAPHS:
        raise BrokenCheckpoint(f"config.json names {len(graphs)} ONNX files; {_GRAPHS} are needed")
    for role, file in graphs.items():
        if not file.is_file() or not file.stat().st_size:
            raise BrokenCheckpoint(f"{file.name}, which is for {role}, is missing or empty")


def _check_index(index: dict[str, Any], tensors: dict[str, frozenset[str]]) -> None:
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise BrokenCheckpoint(f"{_INDEX} has no weight_map")
    for name, file in weight_map.items():
        if not isinstance(file, str) or file not in tensors:
            raise BrokenCheckpoint(f"{_INDEX} puts {name} into {file!r}, which is missing")
        if name not in tensors[file]:
            raise BrokenCheckpoint(f"{_INDEX} puts {name} into {file}, which does not hold it")


def _check_safetensors(file: Path) -> frozenset[str]:
    """Return the names of the tensors in `file`."""
    header, room = _read_header(file)
    names = set()
    end = 0
    for tensor in sorted(_tensors(file, header), key=lambda tensor: (tensor.start, tensor.end)):
        if tensor.end > room:
            raise BrokenCheckpoint(
                f"{file.name} is cut short: {tensor.name} ends at byte {tensor.end} of {room}"
            )
        if tensor.start != end or tensor.size not in (None, tensor.end - tensor.start):
            raise BrokenCheckpoint(f"{file.name}: the bytes of {tensor.name} are misplaced")
        end = tensor.end
        names.add(tensor.name)
    if end != room:
        raise BrokenCheckpoint(f"{file.name} has {room - end} bytes that belong to no tensor")
    return frozenset(names)


def _read_header(file: Path) -> tuple[dict[str, Any], int]:
    """Return the header of `file` and how many bytes lie behind it."""
    with file.open("rb") as stream:
        total = file.stat().st_size
        prefix = stream.read(_LENGTH.size)
        if len(prefix) < _LENGTH.size:
            raise BrokenCheckpoint(f"{file.name} is cut short: it has no header")
        (length,) = _LENGTH.unpack(prefix)
        room = total - _LENGTH.size - length
        if length > _MAX_HEADER_BYTES or room < 0:
            raise BrokenCheckpoint(f"{file.name} is cut short, or no safetensors file")
        return _parse_object(file, stream.read(length)), room


def _tensors(file: Path, header: dict[str, Any]) -> Iterator[_Tensor]:
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        match entry:
            case {
                "dtype": str(dtype),
                "shape": [*shape],
                "data_offsets": [int(start), int(end)],
            } if 0 <= start <= end and all(isinstance(n, int) and n >= 0 for n in shape):
                yield _Tensor(name, start, end, _size(dtype, shape))
            case _:
                raise BrokenCheckpoint(f"{file.name}: the header's entry for {name} is malformed")


def _size(dtype: str, shape: list[int]) -> int | None:
    if dtype not in _BITS:
        return None
    elements = 1
    for length in shape:
        elements *= length
    return elements * _BITS[dtype] // 8


def _read_object(file: Path) -> dict[str, Any]:
    return _object_in(file, _read_json(file))


def _read_json(file: Path) -> Any:
    if file.stat().st_size > _MAX_JSON_BYTES:
        raise BrokenCheckpoint(f"{file.name} is larger than {_MAX_JSON_BYTES} bytes")
    return _parse(file, file.read_bytes())


def _parse_object(file: Path, content: bytes) -> dict[str, Any]:
    return _object_in(file, _parse(file, content))


def _parse(file: Path, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BrokenCheckpoint(f"{file.name} is not readable: its JSON is malformed") from error


def _object_in(file: Path, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _no_object(file)
    return value


def _no_object(file: Path) -> BrokenCheckpoint:
    return BrokenCheckpoint(f"{file.name} is not readable: its JSON is no object")
