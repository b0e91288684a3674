"""Loading: a counter that the store does not know is read from the ledger before it decides."""

import asyncio
import secrets
import time
from typing import Any, Final

from django.db import Error as DatabaseAway

from aiplatform.database import in_database
from aiplatform.pipelined_store import pipelined_store
from inference.gateway import errors
from inference.gateway.limits.counters import Counter, index_key
from inference.gateway.limits.ledger import ledger_read
from inference.gateway.limits.programs import LOAD_BEGIN, LOAD_END

# A loader that is not done after this long has died.
_LOADER_TTL_MS: Final = 10_000
# How long a caller waits for somebody else's loading before it is told to come again.
_PATIENCE_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.02


async def counter_load(counter: Counter, *, again: bool = False) -> bool:
    """Fill a counter from the ledger; return whether it was for us to do.

    `again` replaces what the store holds. What is reserved stays. Raises ApiError where the
    database is away, RedisError where the store is.
    """
    token = secrets.token_hex(8)
    begun, now = await pipelined_store().run(
        LOAD_BEGIN,
        [counter.key, index_key(counter.subject)],
        [token, _LOADER_TTL_MS, counter.index_entry, int(again)],
    )
    if not begun:
        return False
    try:
        sums = await in_database(ledger_read, **counter._asdict(), now_ms=now)
    except DatabaseAway as error:
        raise errors.database_unavailable() from error
    flat: list[Any] = [number for pair in sums for number in pair]
    done = await pipelined_store().run(LOAD_END, [counter.key], [token, *counter.sliding, *flat])
    return bool(done)


class Patience:
    """Loads counters that turned out unknown, until they are known or it takes too long."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + _PATIENCE_S

    async def load(self, counters: list[Counter]) -> None:
        """Load what nobody else is loading; wait a moment for the rest. Raises ApiError."""
        if time.monotonic() > self._deadline:
            raise errors.limits_unavailable()
        # Shielded: what one caller began to load others wait for, whether that caller stays or not.
        loads = [asyncio.create_task(counter_load(counter)) for counter in counters]
        loaded = await asyncio.shield(asyncio.gather(*loads))
        if not all(loaded):
            await asyncio.sleep(_LOOK_AGAIN_S)
