"""Tenants take turns by what each was served.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): a tenant's tag is the tokens it was
given, divided by its weight; the smallest tag goes next. One that comes back starts at the tag
that was last served, so that nobody saves up for later and a newcomer waits behind no backlog.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic

from inference.engine.queued import Q, Queued


@dataclass(eq=False, slots=True)
class Tenant(Generic[Q]):
    """What one tenant waits for, first in first out, and what it was served."""

    tag: float
    arrived: int = 0  # breaks ties between equal tags
    waiting: deque[Q] = field(default_factory=deque)


class TenantQueue(Generic[Q]):
    """Sequences of one class that wait."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant[Q]] = {}
        self._tag = 0.0  # of whoever was served last
        self._arrivals = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, sequence: Q) -> int:
        """Queue a sequence; return how many are before it."""
        tenant = self._tenant_of(sequence)
        tag = tenant.tag + sum(map(_cost, tenant.waiting))
        ahead = len(tenant.waiting)
        tenant.waiting.append(sequence)
        self._size += 1
        others = (other for other in self._tenants.values() if other is not tenant)
        return ahead + sum(_count_before(tag, tenant.arrived, other) for other in others)

    def put_back(self, sequence: Q) -> None:
        """Queue a sequence that had begun before all others of its tenant."""
        self._tenant_of(sequence).waiting.appendleft(sequence)
        self._size += 1

    def peek(self) -> Q:
        """Return what `pop` would, without taking it."""
        return self._first().waiting[0]

    def pop(self) -> Q:
        """Take the next sequence and charge its tenant for all the tokens it may come to."""
        tenant = self._first()
        sequence = tenant.waiting.popleft()
        self._size -= 1
        self._tag = max(self._tag, tenant.tag)
        tenant.tag += _cost(sequence)
        if not self._size:  # nobody is to be compared with: everybody starts afresh
            self._tenants.clear()
        return sequence

    def remove(self, sequence: Q) -> None:
        """Forget a sequence that waits."""
        self._tenants[sequence.request.tenant].waiting.remove(sequence)
        self._size -= 1

    def refund(self, sequence: Q) -> None:
        """Give back what an ended sequence was charged for and did not make."""
        tenant = self._tenants.get(sequence.request.tenant)
        if tenant is not None:
            refunded = tenant.tag - sequence.unused / sequence.request.weight
            tenant.tag = max(refunded, min(tenant.tag, self._tag))

    def _tenant_of(self, sequence: Q) -> Tenant[Q]:
        name = sequence.request.tenant
        if name not in self._tenants:
            self._drop_idle()
            self._tenants[name] = Tenant(self._tag)
        tenant = self._tenants[name]
        if not tenant.waiting:
            self._arrivals += 1
            tenant.arrived = self._arrivals
            tenant.tag = max(tenant.tag, self._tag)
        return tenant

    def _drop_idle(self) -> None:
        """Forget tenants that would start afresh anyway."""
        tenants = self._tenants.items()
        for name in [n for n, t in tenants if not t.waiting and t.tag <= self._tag]:
            del self._tenants[name]

    def _first(self) -> Tenant[Q]:
        able = (tenant for tenant in self._tenants.values() if tenant.waiting)
        return min(able, key=lambda tenant: (tenant.tag, tenant.arrived))


def _count_before(tag: float, arrived: int, other: Tenant[Q]) -> int:
    """Return how many of `other` are served before a sequence that has its turn at `tag`."""
    reached, count = other.tag, 0
    for sequence in other.waiting:
        if (reached, other.arrived) > (tag, arrived):
            break
        reached += _cost(sequence)
        count += 1
    return count


def _cost(queued: Queued) -> float:
    """Return what it may take, in units of its tenant's share."""
    return queued.cost / queued.request.weight
