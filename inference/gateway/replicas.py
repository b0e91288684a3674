"""The replicas as this process sees them: announcements read a few times a second, and breakers."""

import time
from typing import Final

from aiplatform.snapshot import Snapshot
from aiplatform.store import Unavailable, async_store
from inference.gateway import errors
from inference.registry.directory import Replica, replicas_async

FRESH_S: Final = 0.25
# After a failure a replica is left alone for this long, doubled with each failure in a row.
BREAK_S: Final = 0.5
LONGEST_BREAK_S: Final = 10.0


class _Breaker:
    """Failures in a row of one replica, and until when it is therefore left alone."""

    def __init__(self) -> None:
        self.failures = 0
        self.open_until = 0.0

    def trip(self) -> None:
        pause = min(BREAK_S * 2**self.failures, LONGEST_BREAK_S)
        self.failures += 1
        self.open_until = time.monotonic() + pause


_breakers: Final[dict[str, _Breaker]] = {}


async def of_model(name: str) -> list[Replica]:
    """Return the announced replicas of a model, whatever their state. Raises ApiError."""
    return [replica for replica in await _announced.get() if replica.model == name]


def is_closed(replica_id: str) -> bool:
    """Return whether the replica may be tried: its breaker has not tripped lately."""
    breaker = _breakers.get(replica_id)
    return breaker is None or breaker.open_until <= time.monotonic()


def state_of(replica: Replica) -> str:
    """Return its announced state, or `recovering` where it is ready but has failed just now."""
    failing = replica.state == "ready" and not is_closed(replica.id)
    return "recovering" if failing else replica.state


def trip(replica_id: str) -> None:
    """Note that the replica failed, and leave it alone for a while."""
    _breakers.setdefault(replica_id, _Breaker()).trip()


def reset(replica_id: str) -> None:
    """Note that the replica works."""
    _breakers.pop(replica_id, None)


async def _read() -> list[Replica]:
    try:
        announced = await replicas_async(async_store())
    except Unavailable as error:
        raise errors.limits_unavailable() from error
    for gone in _breakers.keys() - {replica.id for replica in announced}:
        del _breakers[gone]
    return announced


_announced: Final = Snapshot(_read, FRESH_S)
