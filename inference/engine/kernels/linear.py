"""The kernels' linear as a module, for models that are not run by the kernels altogether."""

import torch
from torch import Tensor, nn

from inference.engine.kernels.library import Kernels
from inference.engine.kernels.memory import WeightMemory
from inference.engine.kernels.packing import PackedWeight, packed_bytes


class KernelLinear(nn.Module):
    """A linear layer with its weight in bfloat16 or int8, whatever it is fed; sums in float32."""

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        kernels: Kernels,
        stored: torch.dtype = torch.bfloat16,
        memory: WeightMemory | None = None,
    ) -> None:
        """Take `weight` [out, in], `in` even; the original can be freed afterwards.

        It is laid out in `memory`, or in some of its own.
        """
        super().__init__()
        inputs = weight.shape[1]
        if inputs % 2:
            raise ValueError(f"a linear of {inputs} inputs; the kernels need an even number")
        self._kernels = kernels
        memory = memory or WeightMemory(packed_bytes(kernels, [weight.shape], stored))
        self._weight = PackedWeight.pack(weight, bias, kernels, memory, stored)
        self._layer = self._weight.struct()

    def forward(self, x: Tensor) -> Tensor:
        out = self._kernels.linear(self._layer, x.flatten(0, -2))
        return out.view(*x.shape[:-1], -1).to(x.dtype)
