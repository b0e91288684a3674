"""Turn a GGUF file into a prepared model directory, once: unpacked weights load fast ever after.

    python -m inference.engine.convert GGUF OUT_DIR [--dtype bfloat16|float32]

Exit code 0: OUT_DIR is complete. 2: it could not be made, and one line on stderr says why and what
to do. OUT_DIR appears in one step; an interrupted run leaves only OUT_DIR.partial behind, which the
next one removes.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from inference.engine.conversion import DTYPES, ConversionError, check_space, made_whole, say

_MAGIC: Final = b"GGUF"


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
    _check_magic(gguf)
    with made_whole(gguf, out_dir) as directory:
        _write(gguf, directory, dtype)


def _write(gguf: Path, directory: Path, dtype: torch.dtype) -> None:
    origin: dict[str, Any] = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    say("reading the tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(**origin)
    config = AutoConfig.from_pretrained(**origin)
    with torch.device("meta"):
        skeleton = AutoModelForCausalLM.from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    weights = _read_weights(gguf, skeleton, dtype)
    check_space(weights, directory)
    say("writing the prepared model")
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


if __name__ == "__main__":
    sys.exit(main())
