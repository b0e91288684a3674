"""Stand-ins for a card: two that are named, and a watch over tensors that name no device."""

import sys
from collections.abc import Callable
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode

from inference.engine.devices import Cards

GIB: Final = 1 << 30
_MADE_BY: Final = {
    *(torch.tensor, torch.arange, torch.zeros, torch.ones, torch.empty, torch.full),
}


class FewCards(Cards):
    """Cards with so much free memory each."""

    def __init__(self, *free: int, bfloat16: bool = True) -> None:
        self._free = free
        self._bfloat16 = bfloat16

    def count(self) -> int:
        return len(self._free)

    def free_bytes(self, number: int) -> int:
        return self._free[number]

    def has_bfloat16(self, number: int) -> bool:
        return self._bfloat16


class Watch(TorchFunctionMode):
    """Raises where the engine makes a tensor without saying on which device.

    On a card such a tensor would be on the CPU, and the next operation would fail.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _MADE_BY and kwargs.get("device") is None:
            frame = sys._getframe(1)
            assert "inference/engine" not in frame.f_code.co_filename, (
                f"{frame.f_code.co_filename}:{frame.f_lineno} names no device"
            )
        return func(*args, **kwargs)


class CaptureWatch(Watch):
    """Raises, besides, where a number is copied to the device: no graph is captured over that."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is torch.where:
            assert all(isinstance(one, torch.Tensor) for one in args), "torch.where with a number"
        assert func is not torch.tensor, "a tensor is made of the host's numbers"
        return super().__torch_function__(func, types, args, kwargs)
