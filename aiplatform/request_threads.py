"""The few lasting threads that requests' synchronous code runs on.

Django gives each request a thread of its own, started and ended with it (asgiref#563); these last,
and their database connections with them.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from asgiref.sync import ThreadSensitiveContext

THREADS: Final = 8

# One worker each: thread-sensitive code of one request must never run at the same time.
_threads: Final = itertools.cycle(
    [ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"request-{n}") for n in range(THREADS)]
)


def request_thread() -> ThreadSensitiveContext:
    """Return the context that one request is served in; it puts its synchronous code on a thread.

    Every request needs one: a server starts the next request of a connection in the context of the
    one before, whose own thread is no longer to be used.
    """
    return ThreadSensitiveContext(executor=next(_threads))
