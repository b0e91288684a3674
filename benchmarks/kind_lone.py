"""What a lone request takes beyond the model itself: the same texts over HTTP and at the runner.

The runner is asked over its own socket and says itself how long each took, so that the way there is
the platform's to answer for.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy
from tokenizers import Tokenizer

from benchmarks.kind_caller import Door, ask
from inference.engine import wire


class Lone(NamedTuple):
    """Medians over all texts, in ms."""

    served: float
    model: float

    @property
    def added(self) -> float:
        """What everything but the model takes."""
        return self.served - self.model


def encoded(directory: Path, texts: Sequence[str]) -> list[wire.Tokens]:
    """Return the texts as the runner takes them, with what the model's tokenizer puts around."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    rows = (tokenizer.encode(text).ids for text in texts)
    return [wire.Tokens(numpy.asarray(ids, "<i4").tobytes()) for ids in rows]


async def lone(door: Door, socket: str, texts: Sequence[str], items: Sequence[wire.Tokens]) -> Lone:
    """Ask each text both ways, in turn, one at a time."""
    reader, writer = await door.connect()
    from_runner, to_runner = await asyncio.open_unix_connection(socket)
    to_runner.write(wire.encode(wire.Hello()))
    served, model = list[float](), list[float]()
    for number, (text, item) in enumerate(zip(texts, items, strict=True)):
        began = time.perf_counter()
        await ask(door, text, reader, writer)
        served.append(time.perf_counter() - began)
        to_runner.write(wire.encode(wire.Infer(str(number), [item])))
        model.append(await _total_s(from_runner))
    writer.close()
    to_runner.close()
    return Lone(statistics.median(served) * 1000, statistics.median(model) * 1000)


async def _total_s(reader: asyncio.StreamReader) -> float:
    while not isinstance(reply := await wire.read_reply(reader), wire.Finished):
        if isinstance(reply, wire.Failed):
            sys.exit(f"the runner refuses: {reply.code}")
    return reply.usage.total_s
