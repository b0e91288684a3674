"""The counters against the ledger: compared, and made from it again."""

import asyncio
from typing import Final, NamedTuple

from aiplatform.database import in_database
from aiplatform.pipelined_store import pipelined_store
from aiplatform.store import async_store
from inference.gateway.limits.counters import Counter
from inference.gateway.limits.ledger import ledger_read
from inference.gateway.limits.loading import counter_load
from inference.gateway.limits.programs import PEEK, RECOUNT

# A request is in the history a moment before it is in its counters. A difference that is the same
# after this long is not that.
_LOOK_AGAIN_S: Final = 2.0
_AT_ONCE: Final = 500


class Drift(NamedTuple):
    """A counter that does not hold what the history says."""

    key: str
    counted: int
    in_history: int


async def counters_rebuild() -> int:
    """Make every counter from the history again; return how many.

    What is reserved is set to what requests under way hold. Raises RedisError, ApiError.
    """
    counters = await _known()
    for counter in counters:
        if counter.window != "now":
            await counter_load(counter, again=True)
    keys = [counter.key for counter in counters]
    for start in range(0, len(keys), _AT_ONCE):
        await pipelined_store().run(RECOUNT, keys[start : start + _AT_ONCE], [])
    return len(counters)


async def drift_find() -> list[Drift]:
    """Return the counters that differ from the history and go on differing."""
    first = [drift for counter in await _known() if (drift := await _compared(counter))]
    if not first:
        return []
    await asyncio.sleep(_LOOK_AGAIN_S)
    found = []
    for before in first:
        now = await _compared(Counter.parse(before.key))
        if now and now.counted - now.in_history == before.counted - before.in_history:
            found.append(now)
    return found


async def _known() -> list[Counter]:
    keys = [key.decode() async for key in async_store().scan_iter("use:*", count=1000)]
    return [Counter.parse(key) for key in sorted(keys)]


async def _compared(counter: Counter) -> Drift | None:
    if counter.window == "now":
        return None  # nothing is ever used of it
    outcome, now, *state = await pipelined_store().run(PEEK, [counter.key], list(counter.sliding))
    if outcome != 0:
        return None  # it has gone, or is being loaded
    sums = await in_database(ledger_read, **counter._asdict(), now_ms=now)
    counted, in_history = int(state[0]), sum(amount for _, amount in sums)
    return Drift(counter.key, counted, in_history) if counted != in_history else None
