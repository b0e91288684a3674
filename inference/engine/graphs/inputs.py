"""What a step is told, in tensors that a graph can be captured over."""

import torch
from torch import Tensor

Numbers = list[list[int]] | list[list[float]]


class Inputs:
    """Numbers for each bucket of rows. They travel to the device in one copy, which is not awaited.

    From pinned memory, which torch keeps until the copy was made: more steps may be on their way.
    """

    def __init__(self, lists: int, dtype: torch.dtype, device: torch.device) -> None:
        """Take `lists` numbers for each row."""
        self._lists = lists
        self._dtype = dtype
        self._device = device
        self._tensors: dict[int, Tensor] = {}

    def of(self, rows: int) -> Tensor:
        """Return the tensor [lists, rows] of a bucket, always the same one."""
        if rows not in self._tensors:
            shape = (self._lists, rows)
            self._tensors[rows] = torch.zeros(shape, dtype=self._dtype, device=self._device)
        return self._tensors[rows]

    def write(self, numbers: Numbers) -> None:
        """Set the tensor of the bucket that the lists of `numbers` are as long as."""
        on_card = self._device.type == "cuda"
        told = torch.tensor(numbers, dtype=self._dtype, device="cpu", pin_memory=on_card)
        self.of(told.shape[1]).copy_(told, non_blocking=True)
