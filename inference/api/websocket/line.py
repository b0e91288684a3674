"""The way to the client of one socket."""

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from inference.api.websocket.protocol import ServerMessage, encoded

MAX_REASON: Final = 120  # bytes; RFC 6455 §5.5 leaves 123


class Line:
    """Says messages, one frame each. Whoever says one waits while the client's socket is full.

    Several tasks may say something at once; each waits for itself, and a frame is never cut.
    """

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._saying = 0
        self._moved_at = 0.0  # monotonic; when the client last took something it was waited for
        self.closed_with: int | None = None

    async def say(self, message: ServerMessage) -> None:
        """Send `message`. Raises OSError when the client is gone."""
        if self.closed_with is not None:
            raise BrokenPipeError
        if not self._saying:
            self._moved_at = time.monotonic()
        self._saying += 1
        try:
            await self._send({"type": "websocket.send", "text": encoded(message)})
        finally:
            self._saying -= 1
            self._moved_at = time.monotonic()

    @property
    def stalled_s(self) -> float:
        """Seconds for which the client has taken nothing of what waits for it."""
        return time.monotonic() - self._moved_at if self._saying else 0.0

    async def close(self, code: int, reason: str) -> None:
        """Hang up, whether or not the client takes what was said before."""
        if self.closed_with is None:
            self.closed_with = code
            message = {"type": "websocket.close", "code": code, "reason": reason[:MAX_REASON]}
            with contextlib.suppress(OSError):
                await self._send(message)
