"""The Redis-protocol server: one client for blocking code, one for each event loop."""

import asyncio
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

# Long enough for a busy machine, short enough that a lost server is an answer and not a hang.
TIMEOUT_S: Final = 2.0
Unavailable = redis.RedisError

_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


@lru_cache(maxsize=1)
def blocking_store() -> redis.Redis:
    """Return the client for code that runs in threads and commands."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )


def async_store() -> redis.asyncio.Redis:
    """Return the running event loop's client; connections belong to the loop that made them."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
    return _by_loop[loop]
