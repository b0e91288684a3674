"""May the cache grow? Its pages take memory only once they are written, so this is asked then."""

from collections.abc import Callable
from typing import Final

from inference.engine.footprint import RESERVE_BYTES
from inference.engine.memory import available_bytes

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
        token_bytes: int,
        available: Callable[[], int | None] = available_bytes,
    ) -> None:
        """`token_bytes` is what one token takes in all layers; `available` is asked in bytes."""
        self._written = [0] * slots  # tokens
        self._token_bytes = token_bytes
        self._available = available

    def note(self, slot: int, tokens: int) -> None:
        """Remember that a slot was written up to `tokens`."""
        self._written[slot] = max(self._written[slot], tokens)

    def growth(self, slot: int, tokens: int) -> int:
        """Return how many tokens were never written of a slot's first `tokens`."""
        return max(0, tokens - self._written[slot])

    def allows(self, growth: int) -> bool:
        """Return whether so many tokens may be written where nothing was before."""
        if not growth or not self._token_bytes:
            return True
        available = self._available()
        left = UNKNOWN if available is None else available
        return growth * self._token_bytes + RESERVE_BYTES <= left
