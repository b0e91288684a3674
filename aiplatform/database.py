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

# Few on purpose: SQLite has one writer anyway, and PostgreSQL's pool is sized to match.
_threads: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking database work in one of the database threads and return what it returns."""
    context = contextvars.copy_context()
    call = partial(context.run, _with_connection, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads, call)


def _with_connection(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        # Gives a pooled connection back, drops a broken one, keeps a persistent one.
        close_old_connections()
