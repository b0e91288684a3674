"""Weights rounded to int8 as the kernels round them, for whoever computes without the kernels.

Symmetric, in groups of inputs: the largest of a group becomes 127 or -127, zero stays zero.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers.pytorch_utils import Conv1D

GROUP: Final = 64  # inputs; linear.h has the same


def round_linears(model: nn.Module) -> None:
    """Round the weight of every linear. An embedding that is tied to one keeps its own numbers."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.weight = nn.Parameter(rounded(module.weight.detach()), requires_grad=False)
        elif type(module) is Conv1D:  # GPT-2's linear, stored [in, out]
            turned = rounded(module.weight.detach().t()).t().contiguous()
            module.weight = nn.Parameter(turned, requires_grad=False)


def rounded(weight: Tensor) -> Tensor:
    """Return `weight` [outputs, inputs] rounded."""
    outputs, inputs = weight.shape
    grouped = pad(weight.float(), (0, -inputs % GROUP)).view(outputs, -1, GROUP)
    scale = grouped.abs().amax(-1, keepdim=True) / 127
    units = torch.where(scale > 0, grouped / scale, 0.0).round()
    return (units * scale).view(outputs, -1)[:, :inputs].to(weight.dtype).contiguous()
