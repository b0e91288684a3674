"""How long to wait before starting something again that died."""

from typing import Final

FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0
STEADY_S: Final = 30.0  # whatever lived this long is taken to have been well


class Backoff:
    """At once after a long life, then doubling from FIRST_S up to LONGEST_S."""

    def __init__(self) -> None:
        self._failures = 0

    def delay_after(self, lived_s: float) -> float:
        """Return the seconds to wait, given how long the last start lived."""
        if lived_s >= STEADY_S:
            self._failures = 0
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return float(min(FIRST_S * 2.0 ** min(self._failures - 2, 16), LONGEST_S))
