"""Django's ASGI handler on a few lasting threads.

Django gives each request a thread of its own for synchronous code, started and ended with it
(asgiref#563). Here requests share a handful, so that threads and their database connections last.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler

THREADS: Final = 8


class Handler(ASGIHandler):
    """Serve HTTP, each request's synchronous code on one of THREADS threads."""

    def __init__(self) -> None:
        super().__init__()
        names = (f"request-{n}" for n in range(THREADS))
        # One worker each: thread-sensitive code of one request must never run at the same time.
        pools = [ThreadPoolExecutor(max_workers=1, thread_name_prefix=name) for name in names]
        self._threads = itertools.cycle(pools)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=next(self._threads)):
            await self.handle(scope, receive, send)
