"""Which dtype torch computes a model in on this processor. The kernels have their own."""

import torch

from inference.engine.config import Dtype

# What weights are read as.
DTYPES: dict[Dtype, torch.dtype] = {
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "int8": torch.bfloat16,
}


def compute_dtype(wanted: Dtype) -> torch.dtype:
    """Return the dtype for torch to compute in: float32 where it only emulates bfloat16.

    Without AVX-512 (or AVX-NE-CONVERT) torch multiplies bfloat16 row by row: a batch of 32 takes
    27 times as long as one row, against 2.5 times in float32. The weights are the same numbers.
    Those that were rounded to int8 are numbers that bfloat16 does not have.
    """
    if wanted == "int8":
        return torch.float32
    dtype = DTYPES[wanted]
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.float32
    return dtype
