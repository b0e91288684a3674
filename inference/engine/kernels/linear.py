"""The kernels' linear as a module, for models that are not run by the kernels altogether."""

import torch
from torch import Tensor, nn

from inference.engine.kernels.library import Kernels, LinearStruct
from inference.engine.kernels.memory import LINE


class KernelLinear(nn.Module):
    """A linear layer with its weight in bfloat16, whatever it is fed; sums are in float32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, kernels: Kernels) -> None:
        """Take `weight` [out, in], `in` even; the original can be freed afterwards."""
        super().__init__()
        outputs, inputs = weight.shape
        if inputs % 2:
            raise ValueError(f"a linear of {inputs} inputs; the kernels need an even number")
        self._kernels = kernels
        self._weight = _aligned(kernels.packed_size(outputs, inputs))
        kernels.pack(weight, self._weight)
        self._bias = None if bias is None else bias.detach().float().contiguous()
        address = None if self._bias is None else self._bias.data_ptr()
        self._layer = LinearStruct(self._weight.data_ptr(), address, outputs, inputs)

    def forward(self, x: Tensor) -> Tensor:
        out = self._kernels.linear(self._layer, x.flatten(0, -2))
        return out.view(*x.shape[:-1], -1).to(x.dtype)


def _aligned(items: int) -> Tensor:
    """Return room for `items` bfloat16 that begins on a cache line."""
    memory = torch.empty(items + LINE, dtype=torch.bfloat16)
    start = -memory.data_ptr() % LINE // torch.bfloat16.itemsize
    return memory[start : start + items]
