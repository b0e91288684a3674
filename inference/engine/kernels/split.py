"""Linears of float32 on the processor's tiles, each number as the sum of two bfloat16."""

import threading

import torch
from torch import Tensor, nn

from inference.engine.kernels.build import AMX, KernelsUnavailableError, targets_here
from inference.engine.kernels.library import Kernels, load_kernels


class Scratch(threading.local):
    """Room for a layer's split input; one a thread, of all layers, which run one after another."""

    def __init__(self) -> None:
        self._room = torch.empty(0, dtype=torch.bfloat16)

    def room(self, size: int) -> int:
        """Return the address of room for so many bfloat16."""
        if self._room.numel() < size:
            self._room = torch.empty(size, dtype=torch.bfloat16)
        return self._room.data_ptr()


class SplitLinear(nn.Module):
    """A linear layer; what split.cpp says of precision holds of it."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None, kernels: Kernels, scratch: Scratch
    ) -> None:
        """Take `weight` [out, in] of float32; the original can be freed afterwards."""
        super().__init__()
        self._scratch = scratch
        self._library = kernels.library
        self._outputs, self._inputs = weight.shape
        self._bias = None if bias is None else bias.detach().contiguous()
        size = self._library.split_size(self._outputs, self._inputs)
        self._packed = torch.empty(size, dtype=torch.bfloat16)
        source = weight.contiguous()
        self._library.pack_split(
            *(source.data_ptr(), self._outputs, self._inputs),
            *(self._packed.data_ptr(), torch.get_num_threads()),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        out = torch.empty(*x.shape[:-1], self._outputs)
        rows = x.numel() // self._inputs
        scratch = self._scratch.room(self._library.split_size(rows, self._inputs))
        self._library.apply_split(
            self._packed.data_ptr(),
            None if self._bias is None else self._bias.data_ptr(),
            *(self._outputs, self._inputs, x.data_ptr(), rows),
            *(scratch, out.data_ptr(), torch.get_num_threads()),
        )
        return out


def tile_kernels() -> Kernels:
    """Return the kernels. Raises KernelsUnavailableError where they cannot multiply like this."""
    # Asked before the kernels, so that none are compiled in vain.
    if targets_here()[0] != AMX:
        raise KernelsUnavailableError("this processor has no tiles that multiply bfloat16")
    kernels = load_kernels()
    if not kernels.library.multiplies_split():
        raise KernelsUnavailableError("the system keeps its tiles from us")
    return kernels
