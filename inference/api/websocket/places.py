"""How many sockets each user has open, over all web processes.

A place is a lease in the store: the process that holds it renews it, and if it dies, its places are
free again after LEASE_TTL_S.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings

from aiplatform.errors import ApiError
from aiplatform.pipelined_store import Script, pipelined_store
from aiplatform.store import Unavailable, async_store
from inference.gateway import errors

# KEYS[1]: the user's places. ARGV: ours, seconds it lasts, how many there may be.
_TAKE: Final = Script("""
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
""")
# KEYS[1]: the user's places. ARGV: seconds they last, then ours.
_RENEW: Final = Script("""
local until_s = redis.call('TIME')[1] + ARGV[1]
for n = 2, #ARGV do redis.call('ZADD', KEYS[1], until_s, ARGV[n]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
""")


class Place:
    """One socket's, of one user's."""

    def __init__(self, user_id: int) -> None:
        self.key = f"websockets:{user_id}"
        self.name = secrets.token_hex(8)

    async def take(self) -> None:
        """Hold the place until `give_up`, with `renew` in time. Raises ApiError."""
        most = settings.WEBSOCKET_MAX_PER_USER
        arguments = [self.name, settings.LEASE_TTL_S, most]
        try:
            taken = await pipelined_store().run(_TAKE, [self.key], arguments)
        except Unavailable as error:
            raise errors.limits_unavailable() from error
        if not taken:
            detail = f"You have {most} websockets open, the most. Close one first."
            raise ApiError(429, "too_many_sockets", detail, retry_after=1)

    def give_up(self) -> None:
        """See that others can have it; with the store away, when its lease is over."""
        task = asyncio.create_task(self._leave())
        _leaving.add(task)  # the loop itself keeps no reference
        task.add_done_callback(_leaving.discard)

    async def _leave(self) -> None:
        with contextlib.suppress(Unavailable):
            await async_store().zrem(self.key, self.name)


_leaving: Final[set[asyncio.Task[None]]] = set()


async def renew(places: Iterable[Place]) -> None:
    """Hold these places for another lease. Raises RedisError."""
    by_user: dict[str, list[Any]] = {}
    for place in places:
        by_user.setdefault(place.key, []).append(place.name)
    for key, names in by_user.items():
        await pipelined_store().run(_RENEW, [key], [settings.LEASE_TTL_S, *names])
