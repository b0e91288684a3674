"""Server-sent events out of a generation that runs as a task of its own (WHATWG HTML §9.2)."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.json_media import encode

# Proxies cut connections that stay silent for long; a comment keeps them open.
KEEP_ALIVE_S: Final = 15.0
KEEP_ALIVE: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"


def event(data: object) -> bytes:
    """Return one event with `data` as JSON."""
    return b"data: " + encode(data) + b"\n\n"


class EventStream:
    """The body of a streaming response: events put in by the generation, taken out by the server.

    An iterator object and not a generator, because Django closes the former at once when the client
    goes, while a suspended generator waits for garbage collection. It holds at most one event:
    a slow client slows its own generation's deliveries, which the run then coalesces.
    """

    def __init__(self) -> None:
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._loop = asyncio.get_running_loop()
        self._generation: asyncio.Task[None] | None = None
        self._ended = False
        self._copy: bytearray | None = None
        self._copy_bound = 0

    def record(self, bound: int) -> None:
        """Keep a copy of every event from now on, until it is over `bound` bytes."""
        self._copy, self._copy_bound = bytearray(), bound

    @property
    def recorded(self) -> bytes:
        """The copy; where it is over its bound it is of no use."""
        return bytes(self._copy or b"")

    # What one that may be resumed does beside; see resumable_stream.

    headers: Mapping[str, str] = MappingProxyType({})  # further ones of the answer

    async def begin(self, request_id: str, principal: Principal) -> None:
        """The answer is about to begin."""

    async def absent(self) -> Principal | None:
        """Return who asked, where they are not connected any more; None where they are.

        Raises AuthenticationRefused or ApiError where they may not ask any more.
        """
        return None

    def end_of(self, error: ApiError) -> ApiError | None:
        """Return what to say at the end of a stream that was cancelled, if there is anybody."""
        return None

    def attach(self, generation: "asyncio.Task[None]") -> None:
        """Name the task to cancel when the client goes away."""
        self._generation = generation

    async def put(self, data: bytes) -> None:
        """Pass an event on; returns when the one before it has been taken."""
        if self._copy is not None and len(self._copy) <= self._copy_bound:
            self._copy += data
        await self._pass_on(data, last=False)

    async def end(self, data: bytes) -> None:
        """Pass the last events on; nothing comes after them."""
        await self._pass_on(data, last=True)
        if not self._ended:
            await self._events.put(None)

    async def _pass_on(self, data: bytes, *, last: bool) -> None:
        if data and not self._ended:
            await self._events.put(data)

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                data = await self._events.get()
        except TimeoutError:
            return KEEP_ALIVE
        if data is None:
            self._ended = True
            raise StopAsyncIteration
        return data

    def close(self) -> None:
        """The response is over, sent whole or not. Called from a worker thread by Django."""
        self._loop.call_soon_threadsafe(self._close)

    def drop(self) -> None:
        """The client went away before the answer began."""
        if self._generation is not None:
            self._generation.cancel()
        self._hang_up()

    def _close(self) -> None:
        if not self._ended:
            self._leave()
        self._hang_up()

    def _leave(self) -> None:
        """The client went away before the end."""
        if self._generation is not None:
            self._generation.cancel()

    def _hang_up(self) -> None:
        self._ended = True
        # Whoever still waits to put an event must not wait for ever.
        while not self._events.empty():
            self._events.get_nowait()
