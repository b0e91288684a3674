"""The one thread that writes what is written all the time.

One: its connection keeps its pages and statements warm, which of several that take turns each would
lose to the others' writes. SQLite has one writer anyway. And a thread of its own and no executor,
whose futures and tasks cost a lone request more than its insert.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import cache, partial
from queue import SimpleQueue
from typing import TypeVar

from aiplatform.database import with_connection

T = TypeVar("T")


def in_writer(call: Callable[[], T], then: Callable[[T | Exception], None]) -> None:
    """Run `call` in the writer, one after the other; hand what comes of it to `then`, on this loop.

    What comes of it is what it returns, or the exception it raises.
    """
    loop = asyncio.get_running_loop()
    _calls().put(partial(_run, loop, call, then))


def _run(
    loop: asyncio.AbstractEventLoop, call: Callable[[], T], then: Callable[[T | Exception], None]
) -> None:
    outcome: T | Exception
    try:
        outcome = with_connection(call)
    except Exception as raised:
        outcome = raised
    if not loop.is_closed():
        loop.call_soon_threadsafe(then, outcome)


@cache
def _calls() -> SimpleQueue[Callable[[], None]]:
    """Return the queue that the thread takes from; it starts with the first call."""
    calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
    threading.Thread(target=_work, args=(calls,), name="database-writer", daemon=True).start()
    return calls


def _work(calls: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        calls.get()()
