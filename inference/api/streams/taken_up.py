"""Server-sent events of a generation that is taken up again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiplatform.errors import ApiError
from inference.api.event_stream import KEEP_ALIVE, KEEP_ALIVE_S
from inference.api.resumable.following import Following, TakenUp

# A revoked caller stops hearing within this.
_AUTHENTICATE_EVERY_S: Final = 1.0


class TakenUpStream:
    """The body of the answer: an iterator object, closed by Django when the client goes."""

    def __init__(
        self,
        following: Following,
        authenticate: Callable[[], Awaitable[object]],
        failed: Callable[[ApiError], bytes],
    ) -> None:
        self._following = following
        self._authenticate = authenticate
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._authenticated_at = self._spoke_at = time.monotonic()
        self._over = False

    def __aiter__(self) -> "TakenUpStream":
        return self

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        try:
            return await self._next()
        except TakenUp as taken:
            raise StopAsyncIteration from taken
        except ApiError as error:
            self._over = True
            return self._failed(error)

    def close(self) -> None:
        """The response is over, sent whole or not. Called from a worker thread by Django."""
        self._loop.call_soon_threadsafe(self._following.leave)

    async def _next(self) -> bytes:
        while True:
            if time.monotonic() - self._authenticated_at > _AUTHENTICATE_EVERY_S:
                await self._authenticate()
                self._authenticated_at = time.monotonic()
            try:
                async with asyncio.timeout(_AUTHENTICATE_EVERY_S):
                    message = await self._following.__anext__()
            except TimeoutError:
                if time.monotonic() - self._spoke_at < KEEP_ALIVE_S:
                    continue
                self._spoke_at = time.monotonic()
                return KEEP_ALIVE
            self._spoke_at = time.monotonic()
            return message.text
