"""May the cache grow? Its pages take memory only once they are written, so this is asked then."""

from collections.abc import Callable
from typing import Final

from inference.engine.footprint import RESERVE_BYTES
from inference.engine.memory import available_bytes
from inference.engine.sliding import KvSize

UNKNOWN: Final = 1 << 62  # where nothing tells what is available, nothing is refused


class Headroom:
    """Knows which pages of the cache were written, and whether others may be.

    Without it a cache larger than the memory that is left would end the process: the kernel lends
    address space freely and kills whoever uses it when nothing is left.
    """

    def __init__(
        self,
        *,
        slots: int,
        size: KvSize,
        available: Callable[[], int | None] = available_bytes,
    ) -> None:
        """`size` is that of a slot's keys and values; `available` is asked in bytes."""
        self._written = [0] * slots  # tokens
        self._size = size
        self._available = available

    def note(self, slot: int, tokens: int) -> None:
        """Remember that a slot was written up to `tokens`."""
        self._written[slot] = max(self._written[slot], tokens)

    def growth(self, slot: int, tokens: int) -> int:
        """Return how many bytes of a slot's first `tokens` were never written."""
        return max(0, self._size.of(tokens) - self._size.of(self._written[slot]))

    def allows(self, growth: int) -> bool:
        """Return whether so many bytes may be written where nothing was before."""
        if not growth:
            return True
        available = self._available()
        left = UNKNOWN if available is None else available
        return growth + RESERVE_BYTES <= left
