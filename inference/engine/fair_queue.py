"""Who goes next: classes in order, tenants within a class by what each was served.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): a tenant's tag is the tokens it was
given, divided by its weight; the smallest tag goes next. One that comes back starts at the tag
that was last served, so that nobody saves up for later and a newcomer waits behind no backlog.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from inference.engine.sequence import Sequence
from inference.engine.submission import MAX_PRIORITY

CLASSES: Final = MAX_PRIORITY + 1
# A class that waited this long without being served has the next turn, whatever its rank.
AGEING_S: Final = 10.0


@dataclass(eq=False, slots=True)
class Tenant:
    """What one tenant waits for, first in first out within a class, and what it was served."""

    arrived: int  # breaks ties between equal tags
    tag: float
    waiting: list[deque[Sequence]] = field(
        default_factory=lambda: [deque() for _ in range(CLASSES)]
    )

    def __bool__(self) -> bool:
        return any(self.waiting)


class FairQueue:
    """Sequences that wait. Times are seconds of one monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._tag = 0.0  # of whoever was served last
        self._arrivals = 0
        self._sizes = [0] * CLASSES
        self._turns = [0.0] * CLASSES  # when each class was last served, or began to wait

    def __len__(self) -> int:
        return sum(self._sizes)

    def __iter__(self) -> Iterator[Sequence]:
        for tenant in self._tenants.values():
            for line in tenant.waiting:
                yield from line

    def add(self, sequence: Sequence, now: float) -> int:
        """Queue a sequence; return how many are before it."""
        rank = sequence.request.priority
        if not self._sizes[rank]:
            self._turns[rank] = now
        self._sizes[rank] += 1
        tenant = self._tenant(sequence)
        tenant.waiting[rank].append(sequence)
        return sum(self._sizes[:rank]) + self._before(tenant, rank)

    def put_back(self, sequence: Sequence, now: float) -> None:
        """Queue a sequence that had begun before all that its tenant has in its class."""
        rank = sequence.request.priority
        if not self._sizes[rank]:
            self._turns[rank] = now
        self._sizes[rank] += 1
        self._tenant(sequence).waiting[rank].appendleft(sequence)

    def peek(self, now: float) -> Sequence | None:
        """Return what `pop` would, without taking it."""
        rank = self._rank(now)
        return None if rank is None else self._first(rank).waiting[rank][0]

    def pop(self, now: float) -> Sequence:
        """Take the next sequence and charge its tenant for all the tokens it may come to."""
        rank = self._rank(now)
        assert rank is not None, "the queue is empty"
        tenant = self._first(rank)
        sequence = tenant.waiting[rank].popleft()
        sequence.aged = rank > 0 and any(self._sizes[:rank])
        self._sizes[rank] -= 1
        self._turns[rank] = now
        self._tag = max(self._tag, tenant.tag)
        if sequence.started is None:
            tenant.tag += _cost(sequence)
        if not self:  # nobody is to be compared with: everybody starts afresh
            self._tenants.clear()
        return sequence

    def remove(self, sequence: Sequence) -> None:
        """Forget a sequence that waits."""
        rank = sequence.request.priority
        self._tenants[sequence.request.tenant].waiting[rank].remove(sequence)
        self._sizes[rank] -= 1

    def refund(self, sequence: Sequence) -> None:
        """Give back what an ended sequence was charged for and did not make."""
        tenant = self._tenants.get(sequence.request.tenant)
        if tenant is not None:
            unused = sequence.request.max_tokens - sequence.generated
            refunded = tenant.tag - unused / sequence.request.weight
            tenant.tag = max(refunded, min(tenant.tag, self._tag))  # nobody saves up for later

    def _tenant(self, sequence: Sequence) -> Tenant:
        name = sequence.request.tenant
        tenant = self._tenants.get(name)
        if tenant is None:
            self._drop_idle()
            tenant = self._tenants[name] = Tenant(0, self._tag)
        if not tenant:
            self._arrivals += 1
            tenant.arrived = self._arrivals
            tenant.tag = max(tenant.tag, self._tag)
        return tenant

    def _drop_idle(self) -> None:
        """Forget tenants that would start afresh anyway."""
        idle = [n for n, t in self._tenants.items() if not t and t.tag <= self._tag]
        for name in idle:
            del self._tenants[name]

    def _rank(self, now: float) -> int | None:
        """Return the class whose turn it is, or None when nobody waits."""
        waiting = [rank for rank, size in enumerate(self._sizes) if size]
        overdue = [rank for rank in waiting[1:] if now - self._turns[rank] >= AGEING_S]
        return next(iter(overdue or waiting), None)

    def _first(self, rank: int) -> Tenant:
        able = (tenant for tenant in self._tenants.values() if tenant.waiting[rank])
        return min(able, key=lambda tenant: (tenant.tag, tenant.arrived))

    def _before(self, mine: Tenant, rank: int) -> int:
        """Return how many of a class go before the last that a tenant has in it."""
        ahead = list(mine.waiting[rank])[:-1]
        tag = mine.tag + sum(_cost(sequence) for sequence in ahead)
        others = (tenant for tenant in self._tenants.values() if tenant is not mine)
        return len(ahead) + sum(_count_up_to(tag, mine, other, rank) for other in others)


def _count_up_to(tag: float, mine: Tenant, other: Tenant, rank: int) -> int:
    """Return how many of `other` are served before `mine` at `tag`."""
    reached, count = other.tag, 0
    for sequence in other.waiting[rank]:
        if (reached, other.arrived) >= (tag, mine.arrived):
            break
        reached += _cost(sequence)
        count += 1
    return count


def _cost(sequence: Sequence) -> float:
    """Return the tokens a sequence may come to, in units of its tenant's share."""
    return (len(sequence.request.prompt) + sequence.request.max_tokens) / sequence.request.weight
