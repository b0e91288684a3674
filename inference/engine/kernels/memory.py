"""Memory for packed weights, in huge pages where the system gives them.

A decode reads all weights once; with pages of 4 KiB the processor would look up a new address
translation for every second row of a panel.
"""

import mmap
from typing import Final

import torch
from torch import Tensor

HUGE_PAGE: Final = 2 << 20  # bytes
MANY: Final = 32 * HUGE_PAGE  # below this the last page wastes more than huge ones save
LINE: Final = 64  # bytes; what is taken begins on a cache line


class WeightMemory:
    """One piece of memory, handed out from front to back."""

    def __init__(self, size: int) -> None:
        """Reserve `size` bytes; pages that are never written take no memory."""
        page = HUGE_PAGE if size >= MANY else mmap.PAGESIZE
        # Private: Linux gives shared memory, Python's default, no huge pages. (38 against 28 GB/s.)
        pages = mmap.mmap(-1, size + page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if page == HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
            pages.madvise(mmap.MADV_HUGEPAGE)
        whole = torch.frombuffer(pages, dtype=torch.uint8)
        start = -whole.data_ptr() % page
        self._bytes = whole[start : start + size]
        self._used = 0

    def take(self, items: int, dtype: torch.dtype) -> Tensor:
        """Return room for `items` of `dtype`, unset."""
        size = items * dtype.itemsize
        taken = self._bytes[self._used : self._used + size]
        if taken.numel() < size:
            raise MemoryError(f"{self._bytes.numel()} bytes were reserved, more are needed")
        self._used += self.rounded(items, dtype)
        return taken.view(dtype)

    @staticmethod
    def rounded(items: int, dtype: torch.dtype) -> int:
        """Return the bytes that taking `items` of `dtype` uses up."""
        return -(-items * dtype.itemsize // LINE) * LINE
