"""Until when requests may take, in seconds of one monotonic clock."""

import math
from typing import Generic

from inference.engine.queued import T


class Deadlines(Generic[T]):
    """The moments at which sequences must have ended."""

    def __init__(self) -> None:
        self._moments: dict[T, float] = {}
        self._next = math.inf  # no moment is earlier, so most steps need not look at any

    def add(self, sequence: T, now: float) -> None:
        seconds = sequence.request.deadline_s
        if seconds is not None:
            self._moments[sequence] = now + seconds
            self._next = min(self._next, now + seconds)

    def forget(self, sequence: T) -> None:
        self._moments.pop(sequence, None)

    def passed(self, now: float) -> list[T]:
        """Return the sequences whose moment is `now` or earlier."""
        if now < self._next:
            return []
        self._next = min((m for m in self._moments.values() if m > now), default=math.inf)
        return [sequence for sequence, moment in self._moments.items() if moment <= now]
