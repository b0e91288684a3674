"""What the canned runner itself takes for a request, by its own account, one at a time."""

import asyncio
from pathlib import Path
from typing import Final

from benchmarks.answer import TOKENS
from benchmarks.measurement import percentile
from inference.engine import wire

_REQUESTS: Final = 100


async def runner_ms(socket: Path) -> float:
    """Return the median of `usage.total_s` over a hundred requests straight to the runner, in ms.

    The way over the socket is not in it: that is the platform's to answer for.
    """
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(wire.encode(wire.Hello()))
    times = [await _total_s(reader, writer, str(number)) for number in range(_REQUESTS)]
    writer.close()
    return percentile(sorted(times), 50) * 1000


async def _total_s(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request_id: str
) -> float:
    writer.write(wire.encode(wire.Submit(request_id, prompt=[1], max_tokens=TOKENS)))
    while True:
        reply = await wire.read_reply(reader)
        if isinstance(reply, wire.Finished):
            return reply.usage.total_s
