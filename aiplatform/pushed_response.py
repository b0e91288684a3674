"""A response whose body is pushed by whoever makes it, straight into the server.

Django's own streaming response is pulled from: each part then crosses from the task that makes it
to the one that answers, through two generators, which costs more than the part.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from django.http.response import HttpResponseBase

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Pusher(Protocol):
    """What makes a body."""

    async def serve(self, send: Send) -> None:
        """Push the body's parts into `send`, as ASGI's `http.response.body`, to the last."""

    def close(self) -> None:
        """The response is over, sent whole or not. May be called from any thread."""


class PushedResponse(HttpResponseBase):
    """200, with the body that `pusher` makes."""

    streaming = True

    def __init__(self, pusher: Pusher, content_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(content_type=content_type, headers=dict(headers))
        self._pusher = pusher
        self._resource_closers.append(pusher.close)  # type: ignore[attr-defined]

    async def send_to(self, send: Send) -> None:
        """Answer."""
        headers = [(name.lower().encode(), text.encode("latin-1")) for name, text in self.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._pusher.serve(send)
