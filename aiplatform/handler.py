"""Django's ASGI handler with generations kept on the event loop.

Django gives each request a thread of its own for synchronous code, started and ended with it
(asgiref#563), and hops into it at least twice: to announce the request and to close the response.
Here requests share a few lasting threads, and a generation, which opens no database connection
outside `in_database`, makes no hop at all.
"""

import asyncio
import contextlib
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponseBase
from django.urls import set_script_prefix

THREADS: Final = 8
# Where every view is `async def` and reaches the database through `in_database` alone.
ON_THE_LOOP: Final = ("/v1/", "/api/v1/generate/", "/health")


class Handler(ASGIHandler):
    """Serve HTTP: pages as Django does, on one of THREADS threads; generations on the loop."""

    def __init__(self) -> None:
        super().__init__()
        names = (f"request-{n}" for n in range(THREADS))
        # One worker each: thread-sensitive code of one request must never run at the same time.
        pools = [ThreadPoolExecutor(max_workers=1, thread_name_prefix=name) for name in names]
        self._threads = itertools.cycle(pools)

    def create_request(self, scope: Any, body_file: Any) -> Any:
        request, response = super().create_request(scope, body_file)
        if request is not None and "CONTENT_LENGTH" not in request.META:
            # A chunked body tells no length (RFC 9112 §7.1), and DRF takes that for no body.
            request.META["CONTENT_LENGTH"] = str(body_file.seek(0, os.SEEK_END))
            body_file.seek(0)
        return request, response

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=next(self._threads)):
            if scope["path"].startswith(ON_THE_LOOP):
                await self._handle_on_loop(scope, receive, send)
            else:
                await self.handle(scope, receive, send)

    async def _handle_on_loop(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with contextlib.closing(body):
            set_script_prefix(get_script_prefix(scope))
            request, response = self.create_request(scope, body)
            if response is not None:
                await self.send_response(response, send)
                return
            await self._answer(request, receive, send)

    async def _answer(self, request: Any, receive: Any, send: Any) -> None:
        """Answer until it is sent or the client goes, whichever comes first."""
        answered: list[HttpResponseBase] = []
        answering = asyncio.create_task(self._respond(request, send, answered))
        listening = asyncio.create_task(self.listen_for_disconnect(receive))
        await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, listening):
            task.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await answering
        finally:
            for response in answered:
                _close(response)
            with contextlib.suppress(asyncio.CancelledError, RequestAborted):
                await listening

    async def _respond(self, request: Any, send: Any, answered: list[HttpResponseBase]) -> None:
        response = await self.run_get_response(request)
        answered.append(response)
        await self.send_response(response, send)


def _close(response: HttpResponseBase) -> None:
    """Close what the response holds, without the signal that looks after this thread's database."""
    for closer in response._resource_closers:  # type: ignore[attr-defined]
        closer()
    response.closed = True
