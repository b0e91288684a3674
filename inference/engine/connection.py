"""One gateway's connection: reads its requests, writes what they make."""

import asyncio
from typing import Protocol

from inference.engine.log import Log
from inference.engine.outbox import Outbox, OutboxFullError
from inference.engine.wire import (
    VERSION,
    Hello,
    Message,
    ToRunner,
    WireError,
    encode,
    read_request,
)

HELLO_SECONDS = 10.0


class Desk(Protocol):
    """What answers a connection's messages."""

    def hello(self) -> Hello: ...

    def handle(self, connection: "Connection", message: ToRunner) -> None: ...

    def closed(self, connection: "Connection") -> None: ...


class Connection:
    """Lives from accept to close; `send` never waits."""

    def __init__(
        self, desk: Desk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Log
    ) -> None:
        self._desk = desk
        self._reader = reader
        self._writer = writer
        self._log = log
        self._outbox = Outbox()
        self._writing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Talk until either side closes or breaks the protocol."""
        try:
            await self._greet()
            self._writing = asyncio.create_task(self._write())
            while True:
                self._desk.handle(self, await read_request(self._reader))
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self._log.event("connection_dropped", reason="it ended within a frame")
        except (WireError, ConnectionError, TimeoutError) as error:
            self._log.event("connection_dropped", reason=str(error) or type(error).__name__)
        finally:
            self._desk.closed(self)
            if self._writing is not None:
                self._writing.cancel()
            self._writer.close()

    def send(self, message: Message) -> None:
        """Queue a message; a reader that is too far behind loses the connection."""
        if self._writer.is_closing():
            return
        try:
            self._outbox.put(message)
        except OutboxFullError:
            self._log.event("connection_dropped", reason="its reader is too slow")
            self._writer.transport.abort()

    async def finish(self) -> None:
        """Send what is queued, then close."""
        self._outbox.close()
        if self._writing is not None:
            await self._writing
        self._writer.close()

    async def _greet(self) -> None:
        async with asyncio.timeout(HELLO_SECONDS):
            first = await read_request(self._reader)
        if not isinstance(first, Hello):
            raise WireError("the first frame is not Hello")
        # Written at once: a peer that is refused still learns what it speaks to.
        self._writer.write(encode(self._desk.hello()))
        if first.version != VERSION:
            raise WireError(f"peer speaks version {first.version}; this is {VERSION}")

    async def _write(self) -> None:
        while frames := await self._outbox.take():
            self._writer.write(frames)
            try:
                await self._writer.drain()
            except ConnectionError:  # the reading side sees the same and ends the connection
                return
