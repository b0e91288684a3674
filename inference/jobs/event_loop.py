"""The event loop of a worker process: one that lasts, in a thread of its own.

Connections to runners and store, and the renewal of what they hold, go on between tasks; and what
Celery raises in the main thread when a task takes too long cannot hit the middle of the loop.
"""

import asyncio
import threading
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end and return what it returns. If this is interrupted, it is cancelled."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    # First asked for in a pool process, after the fork: threads do not survive one.
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="jobs-loop", daemon=True).start()
    return loop
