"""Turn torchvision's weights of MobileNetV2 into a prepared model directory, once.

    python -m inference.engine.convert_torchvision PTH OUT_DIR LABELS [--dtype bfloat16|float32]

LABELS is a JSON object from a class's number to its name. Exit codes, and how OUT_DIR appears, are
those of `inference.engine.convert`. The file is a pickle: nothing in it but tensors is read, in
this process alone, and what is written is safetensors.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

from inference.engine.conversion import DTYPES, ConversionError, check_space, made_whole, say

_CLASSES: Final = 1000
_MAX_LABELS_BYTES: Final = 1024 * 1024
_BILINEAR: Final = 2  # in Pillow's numbering
# What torchvision trained these weights with: short side to 256, the middle 224, ImageNet's mean
# and deviation. The numbers of transformers' own MobileNetV2 checkpoints differ.
_PREPROCESSOR: Final = {
    "image_processor_type": "MobileNetV2ImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": _BILINEAR,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m inference.engine.convert_torchvision")
    parser.add_argument("weights", type=Path, metavar="PTH")
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR")
    parser.add_argument("labels", type=Path, metavar="LABELS")
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="float32")
    options = parser.parse_args(arguments)
    try:
        convert(options.weights, options.out_dir, options.labels, dtype=DTYPES[options.dtype])
    except ConversionError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def convert(weights: Path, out_dir: Path, labels: Path, *, dtype: torch.dtype) -> None:
    """Write config, preprocessor and weights into the new directory `out_dir`.

    Raises ConversionError if `out_dir` exists, the disk is full or a file is unusable.
    """
    names = _read_labels(labels)
    if not weights.is_file():
        raise ConversionError(f"{weights} cannot be read: there is no such file; check the path")
    with made_whole(weights, out_dir) as directory:
        say("reading the weights")
        model = MobileNetV2ForImageClassification(_config(names, dtype))
        tensors = _renamed(_read_weights(weights), model.state_dict(), dtype)
        check_space(tensors, directory)
        say("writing the prepared model")
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(directory)
        (directory / "preprocessor_config.json").write_text(json.dumps(_PREPROCESSOR, indent=2))
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def _config(names: dict[int, str], dtype: torch.dtype) -> MobileNetV2Config:
    return MobileNetV2Config(
        id2label=names,
        label2id={name: number for number, name in names.items()},
        tf_padding=False,
        layer_norm_eps=1e-5,
        dtype=dtype,
    )


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    found: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or not all(torch.is_tensor(one) for one in found.values()):
        raise ConversionError(f"{path.name} is no state dict of tensors; get another file")
    return found


def _renamed(
    found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """Return the tensors under transformers' names: both list the same ones in the same order."""
    shapes = [tuple(one.shape) for one in found.values()]
    if shapes != [tuple(one.shape) for one in wanted.values()]:
        raise ConversionError(
            "these are not torchvision's weights of MobileNetV2 for 1,000 classes; "
            "no others are known here"
        )
    return {
        name: (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in zip(wanted, found.values(), strict=True)
    }


def _read_labels(path: Path) -> dict[int, str]:
    try:
        with path.open("rb") as file:
            read = json.loads(file.read(_MAX_LABELS_BYTES))
        names = [str(read[str(number)]) for number in range(_CLASSES)]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConversionError(
            f"{path} does not name {_CLASSES} classes ({type(error).__name__}); get another file"
        ) from error
    return dict(enumerate(names))


if __name__ == "__main__":
    sys.exit(main())
