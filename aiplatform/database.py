"""The few threads that hold database connections, and the one way from the event loop to them."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

# Few on purpose: PostgreSQL's pool is sized to match.
_threads: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking database work in one of the database threads and return what it returns."""
    call = partial(function, *args, **kwargs)
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, context.run, with_connection, call)


def with_connection(call: Callable[[], T]) -> T:
    """Call it in this thread, and look after the thread's connection."""
    try:
        return call()
    finally:
        # Gives a pooled connection back, drops a broken one, keeps a persistent one.
        close_old_connections()
