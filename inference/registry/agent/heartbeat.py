"""The agent's own connection to a runner: asks for its status twice a second."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

from inference.engine.wire import Hello, Ping, Status, WireError, encode, read_reply

INTERVAL_S: Final = 0.5
ANSWER_S: Final = 5.0
Lost = (OSError, EOFError, WireError, TimeoutError)


async def statuses(socket: Path) -> AsyncGenerator[Status, None]:
    """Yield the runner's status every INTERVAL_S, for ever; lost connections are made again."""
    while True:
        try:
            async with aclosing(_until_lost(socket)) as answers:
                async for status in answers:
                    yield status
        except Lost:
            # It is starting, ending or hung: the stall watch and the process decide which.
            await asyncio.sleep(INTERVAL_S)


async def _until_lost(socket: Path) -> AsyncGenerator[Status, None]:
    async with _connected(socket) as (reader, writer):
        writer.write(encode(Hello()))
        while True:
            writer.write(encode(Ping()))
            async with asyncio.timeout(ANSWER_S):
                yield await _next_status(reader)
            await asyncio.sleep(INTERVAL_S)


async def _next_status(reader: asyncio.StreamReader) -> Status:
    while True:
        reply = await read_reply(reader)
        if isinstance(reply, Status):
            return reply


@asynccontextmanager
async def _connected(
    socket: Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        yield reader, writer
    finally:
        writer.close()
