"""Turn a GGUF file into a prepared model directory, once: unpacked weights load fast ever after.

    python -m inference.engine.convert GGUF OUT_DIR [--dtype bfloat16|float32]

Exit code 0: OUT_DIR is complete. 2: it could not be made, and one line on stderr says why and what
to do. OUT_DIR appears in one step; an interrupted run leaves only OUT_DIR.partial behind, which the
next one removes.
"""

import argparse
import errno
import os
import re
import shutil
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

DTYPES: Final = {"bfloat16": torch.bfloat16, "float32": torch.float32}
_MAGIC: Final = b"GGUF"
_OUT_OF_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOKENIZER_AND_CONFIG_BYTES: Final = 64 * 1024 * 1024
# What gguf and transformers raise on files that are cut short, garbled or of an unknown kind.
_UNREADABLE: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
)


class ConversionError(Exception):
    """The file cannot be converted. The text is one line with the remedy."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m inference.engine.convert")
    parser.add_argument("gguf", type=Path, metavar="GGUF")
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR")
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="bfloat16")
    options = parser.parse_args(arguments)
    try:
        convert(options.gguf, options.out_dir, dtype=DTYPES[options.dtype])
    except ConversionError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def convert(gguf: Path, out_dir: Path, *, dtype: torch.dtype) -> None:
    """Write config, tokenizer and weights of `gguf` into the new directory `out_dir`.

    Raises ConversionError if `out_dir` exists, the disk is full or the file is unusable.
    """
    if out_dir.exists():
        raise ConversionError(f"{out_dir} exists already; remove it or choose another directory")
    _check_magic(gguf)
    partial = out_dir.with_name(f"{out_dir.name}.partial")
    with _explained(gguf, out_dir):
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            _write(gguf, partial, dtype)
            _sync(partial)
            partial.rename(out_dir)
            _sync_directory(out_dir.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)  # a failed one only fills the disk


def _write(gguf: Path, directory: Path, dtype: torch.dtype) -> None:
    origin: dict[str, Any] = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    _say("reading the tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(**origin)
    config = AutoConfig.from_pretrained(**origin)
    with torch.device("meta"):
        skeleton = AutoModelForCausalLM.from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    weights = _read_weights(gguf, skeleton, dtype)
    _check_space(weights, directory)
    _say("writing the prepared model")
    tokenizer.save_pretrained(directory)
    config.architectures = [type(skeleton).__name__]
    config.dtype = dtype
    config.save_pretrained(directory)
    GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    ).save_pretrained(directory)
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})


def _read_weights(
    gguf: Path, skeleton: torch.nn.Module, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """Return exactly the tensors that `skeleton` needs; tied ones once."""
    # Not from_pretrained with GgufConfig(dequantize=True): it demands the accelerate package, which
    # it does not use for this, and gives the same bits.
    checkpoint = load_gguf_checkpoint(  # type: ignore[no-untyped-call]
        str(gguf), return_tensors=True, model_to_load=skeleton, torch_dtype=dtype
    )
    found: dict[str, torch.Tensor] = checkpoint["tensors"]
    wanted = skeleton.state_dict()
    tied = set(getattr(skeleton, "all_tied_weights_keys", ()))
    if missing := wanted.keys() - found.keys() - tied:
        raise ConversionError(
            f"{gguf.name} lacks {len(missing)} tensors, {min(missing)} first; get a complete file"
        )
    weights = {name: found[name] for name in wanted if name in found}
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape:
            raise ConversionError(f"{gguf.name}: {name} has the wrong shape; get another file")
    return {name: tensor.to(dtype).contiguous() for name, tensor in weights.items()}


def _check_magic(gguf: Path) -> None:
    try:
        with gguf.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ConversionError(f"{gguf} cannot be read: {error.strerror}; check the path") from error
    if magic != _MAGIC:
        raise ConversionError(f"{gguf} is no GGUF file; download it again")


def _check_space(weights: dict[str, torch.Tensor], directory: Path) -> None:
    # safetensors writes through a memory map: a disk that fills up would kill by SIGBUS.
    needed = sum(tensor.nbytes for tensor in weights.values()) + _TOKENIZER_AND_CONFIG_BYTES
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed, {free} are free")


@contextmanager
def _explained(gguf: Path, out_dir: Path) -> Iterator[None]:
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
            f"{gguf} is damaged or of a kind that transformers cannot read "
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


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
