"""Until when requests may take."""

import heapq
import itertools

from inference.engine.sequence import Sequence


class Deadlines:
    """Sequences by the moment they must have ended; those that ended earlier may stay in here."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Sequence]] = []
        self._numbers = itertools.count()  # so that equal moments compare

    def add(self, sequence: Sequence) -> None:
        seconds = sequence.request.deadline_s
        if seconds is not None:
            moment = sequence.submitted + seconds
            heapq.heappush(self._heap, (moment, next(self._numbers), sequence))

    def passed(self, now: float) -> list[Sequence]:
        """Return, once, the sequences whose moment is `now` or earlier (time.monotonic)."""
        late = []
        while self._heap and self._heap[0][0] <= now:
            late.append(heapq.heappop(self._heap)[2])
        return late
