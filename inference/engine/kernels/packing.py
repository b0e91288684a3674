"""A linear's parameters as the kernels read them: in bfloat16, or in int8 with scales."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from inference.engine.kernels.library import Kernels, LinearStruct
from inference.engine.kernels.memory import WeightMemory


class PackedWeight(NamedTuple):
    """Must be kept as long as what `struct` gives is used."""

    outputs: int
    inputs: int
    weights: Tensor  # bfloat16 or int8
    scales: Tensor | None  # of int8, float32
    bias: Tensor | None  # float32

    @classmethod
    def pack(
        cls,
        weight: Tensor,
        bias: Tensor | None,
        kernels: Kernels,
        memory: WeightMemory,
        stored: torch.dtype,
    ) -> Self:
        """Lay out `weight` [outputs, inputs] in `memory`, rounded to `stored`."""
        outputs, inputs = weight.shape
        into = memory.take(kernels.packed_size(outputs, inputs), stored)
        scales = None
        if stored == torch.int8:
            scales = memory.take(kernels.packed_scales(outputs, inputs), torch.float32)
            kernels.pack_int8(weight, into, scales)
        else:
            kernels.pack(weight, into)
        bias = None if bias is None else bias.detach().float().contiguous()
        return cls(outputs, inputs, into, scales, bias)

    def struct(self) -> LinearStruct:
        """Return the addresses that a kernel takes."""
        return LinearStruct(
            self.weights.data_ptr(),
            None if self.scales is None else self.scales.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(),
            self.outputs,
            self.inputs,
        )


def packed_bytes(kernels: Kernels, shapes: Iterable[Sequence[int]], stored: torch.dtype) -> int:
    """Return the memory that weights of these shapes, [outputs, inputs], take when packed."""
    total = 0
    for outputs, inputs in shapes:
        total += WeightMemory.rounded(kernels.packed_size(outputs, inputs), stored)
        if stored == torch.int8:
            scales = kernels.packed_scales(outputs, inputs)
            total += WeightMemory.rounded(scales, torch.float32)
    return total
