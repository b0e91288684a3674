"""The fastest linears under which a model answers as it did before."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inference.engine.kernels.build import KernelsUnavailableError
from inference.engine.kernels.split import Scratch, SplitLinear, tile_kernels
from inference.engine.kinds.checking import difference
from inference.engine.linear import Make, PackedLinear, pack_linears, packing_unavailable
from inference.engine.log import Log


class Sped(NamedTuple):
    """A model with other linears than it was read with."""

    model: Any
    expected: Tensor  # what it answered with its own
    linears: str  # which it has


def with_fast_linears(read: Callable[[], Any], answer: Callable[[Any], Tensor], log: Log) -> Sped:
    """Return what `read` reads with the fastest linears that leave its answer as it is."""
    model = read()
    expected = answer(model)
    for name, make in _faster(model.dtype, log):
        count = pack_linears(model, make)
        why = difference(answer(model), expected)
        if not why:
            return Sped(model, expected, f"{count} linears {name}")
        log.event("linears_rejected", name=name, reason=why)
        del model  # before it is read again: what it had is gone
        model = read()
    return Sped(model, expected, "plain linears")


def _faster(dtype: torch.dtype, log: Log) -> Iterator[tuple[str, Make]]:
    if dtype == torch.float32:
        try:
            kernels = tile_kernels()
        except KernelsUnavailableError as error:
            log.event("linears_passed_over", name="on tiles", reason=str(error))
        else:
            yield "on tiles", partial(SplitLinear, kernels=kernels, scratch=Scratch())
    if why := packing_unavailable():
        log.event("linears_passed_over", name="packed", reason=why)
    else:
        yield "packed", PackedLinear
