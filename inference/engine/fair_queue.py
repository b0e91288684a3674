"""Who goes next: classes in order, tenants taking turns within a class, and nobody never."""

from typing import Final, Generic

from inference.engine.queued import Q
from inference.engine.submission import MAX_PRIORITY
from inference.engine.tenant_queue import TenantQueue

# A class that waited this long without being served has the next turn, whatever its rank.
AGEING_S: Final = 10.0


class FairQueue(Generic[Q]):
    """What waits. Times are seconds of one monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._classes: list[TenantQueue[Q]] = [TenantQueue() for _ in range(MAX_PRIORITY + 1)]
        self._turns = [0.0] * len(self._classes)  # when each was last served, or began to wait

    def __len__(self) -> int:
        return sum(map(len, self._classes))

    def add(self, sequence: Q, now: float) -> int:
        """Queue a sequence; return how many are before it."""
        rank = sequence.request.priority
        before = sum(map(len, self._classes[:rank]))
        return before + self._class_of(sequence, now).add(sequence)

    def put_back(self, sequence: Q, now: float) -> None:
        """Queue a sequence that had begun before all others of its tenant and class."""
        self._class_of(sequence, now).put_back(sequence)

    def peek(self, now: float) -> Q | None:
        """Return what `pop` would, without taking it."""
        rank = self._rank(now)
        return None if rank is None else self._classes[rank].peek()

    def pop(self, now: float) -> Q:
        """Take the next sequence. Raises IndexError when nobody waits."""
        rank = self._rank(now)
        if rank is None:
            raise IndexError("the queue is empty")
        sequence = self._classes[rank].pop()
        sequence.aged = any(self._classes[:rank])
        self._turns[rank] = now
        return sequence

    def remove(self, sequence: Q) -> None:
        """Forget a sequence that waits."""
        self._classes[sequence.request.priority].remove(sequence)

    def refund(self, sequence: Q) -> None:
        """Give back what an ended sequence was charged for and did not make."""
        self._classes[sequence.request.priority].refund(sequence)

    def _class_of(self, sequence: Q, now: float) -> TenantQueue[Q]:
        rank = sequence.request.priority
        if not self._classes[rank]:
            self._turns[rank] = now
        return self._classes[rank]

    def _rank(self, now: float) -> int | None:
        """Return the class whose turn it is, or None when nobody waits."""
        waiting = [rank for rank, line in enumerate(self._classes) if line]
        overdue = [rank for rank in waiting[1:] if now - self._turns[rank] >= AGEING_S]
        return next(iter(overdue or waiting), None)
