"""Server-sent events out of a generation that runs as a task of its own (WHATWG HTML §9.2)."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.json_media import encode
from aiplatform.pushed_response import Send

# Proxies cut connections that stay silent for long; a comment keeps them open.
KEEP_ALIVE_S: Final = 15.0
KEEP_ALIVE: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"


def event(data: object) -> bytes:
    """Return one event with `data` as JSON."""
    return b"data: " + encode(data) + b"\n\n"


class EventStream:
    """The body of a streaming response: the generation's own task sends each event.

    While the client's socket is full that task waits: a slow client slows its own generation's
    deliveries, which the run then coalesces.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._generation: asyncio.Task[None] | None = None
        self._send: Send | None = None  # once the answer has begun
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._over: asyncio.Future[None] = self._loop.create_future()  # nothing more is sent
        self._sent_at = self._loop.time()
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
        """Send an event; returns when the client has room for the next."""
        if self._copy is not None and len(self._copy) <= self._copy_bound:
            self._copy += data
        await self._pass_on(data, last=False)

    async def end(self, data: bytes) -> None:
        """Send the last events; nothing comes after them."""
        await self._pass_on(data, last=True)
        self._hang_up()

    async def serve(self, send: Send) -> None:
        """Let what is put be sent, until the end. The response has begun."""
        self._send = send
        self._begun.set_result(None)
        while not self._over.done():
            await asyncio.wait((self._over,), timeout=KEEP_ALIVE_S)
            if not self._over.done() and self._loop.time() - self._sent_at >= KEEP_ALIVE_S:
                await self._send_part(KEEP_ALIVE)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def drop(self) -> None:
        """The client went away before the answer began."""
        if self._generation is not None:
            self._generation.cancel()
        self._hang_up()

    def close(self) -> None:
        """The response is over, sent whole or not."""
        self._loop.call_soon_threadsafe(self._close)

    async def _pass_on(self, data: bytes, *, last: bool) -> None:
        if data and self._send is None:
            await asyncio.wait((self._begun, self._over), return_when=asyncio.FIRST_COMPLETED)
        if data and not self._over.done():
            await self._send_part(data)

    async def _send_part(self, data: bytes) -> None:
        assert self._send is not None, "serve has begun"
        self._sent_at = self._loop.time()
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except OSError:
            return  # whoever notices that the client is gone closes this

    def _close(self) -> None:
        if not self._over.done():
            self._leave()
        self._hang_up()

    def _leave(self) -> None:
        """The client went away before the end."""
        if self._generation is not None:
            self._generation.cancel()

    def _hang_up(self) -> None:
        if not self._over.done():
            self._over.set_result(None)
