"""What every conversion shares: a directory that appears in one step, and errors with a remedy."""

import errno
import os
import pickle
import re
import shutil
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError

DTYPES: Final = {"bfloat16": torch.bfloat16, "float32": torch.float32}
_OUT_OF_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOKENIZER_AND_CONFIG_BYTES: Final = 64 * 1024 * 1024
# What gguf, transformers and torch raise on files that are cut short, garbled or of an unknown
# kind.
_UNREADABLE: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
    struct.error,
)


class ConversionError(Exception):
    """The file cannot be converted. The text is one line with the remedy."""


@contextmanager
def made_whole(source: Path, out_dir: Path) -> Iterator[Path]:
    """Give a directory to write into, which becomes `out_dir` when the block ends well.

    Raises ConversionError if `out_dir` exists, the disk is full or `source` is unusable.
    """
    if out_dir.exists():
        raise ConversionError(f"{out_dir} exists already; remove it or choose another directory")
    partial = out_dir.with_name(f"{out_dir.name}.partial")
    with _explained(source, out_dir):
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            yield partial
            _sync(partial)
            partial.rename(out_dir)
            _sync_directory(out_dir.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)  # a failed one only fills the disk


def check_space(weights: dict[str, torch.Tensor], directory: Path) -> None:
    """Raise OSError unless `weights` and what lies beside them fit on the disk."""
    # safetensors writes through a memory map: a disk that fills up would kill by SIGBUS.
    needed = sum(tensor.nbytes for tensor in weights.values()) + _TOKENIZER_AND_CONFIG_BYTES
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed, {free} are free")


def say(text: str) -> None:
    """Tell whoever reads stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def _explained(source: Path, out_dir: Path) -> Iterator[None]:
    """Turn what goes wrong inside into ConversionError."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if _error_number(error) in _OUT_OF_SPACE:
            raise ConversionError(
                f"no space left for {out_dir} ({error}); free some disk space and run this again"
            ) from error
        raise ConversionError(f"{out_dir} cannot be written: {error}") from error
    except _UNREADABLE as error:
        raise ConversionError(
            f"{source} is damaged or of a kind that transformers cannot read "
            f"({type(error).__name__}); download it again or choose another model"
        ) from error


def _error_number(error: OSError | SafetensorError) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else None


def _sync(directory: Path) -> None:
    """Bring the files to the disk, so that the rename never outlives what it names."""
    for path in directory.iterdir():
        path.chmod(0o644)  # safetensors leaves its file readable to the owner alone
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
