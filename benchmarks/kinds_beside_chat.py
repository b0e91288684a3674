"""Chat while embeddings and pictures run at full load: what each has left, and how long it waits.

`python -m benchmarks.kinds_beside_chat [--url http://127.0.0.1:8000] [--rounds 3]` asks the
platform that `make run` started with its default models; the key is the first one, or `API_KEY`. It
must run with UPLOAD_RATES_BY_ADDRESS and UPLOAD_RATES_BY_NAME out of the way (1000000/m). In each
round each kind runs alone and then all at once. Prints a Markdown table of medians, and the longest
that anything waited: of a chat for its first token, else for the answer. Exits 1 where chat falls
below the share of cores that its model was given of what all were given, or where anything waited
over 10 s.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks.chat_stream import ChatServer, Stream
from benchmarks.concurrency import ask, first_key
from benchmarks.embedding_texts import texts
from benchmarks.image_offline import pictures
from benchmarks.kind_caller import Door, embedding_door, image_door, latencies
from benchmarks.kinds import threads_of

LONGEST_S: Final = 10.0
_TOKENS: Final = 64  # of a chat
_WORDS: Final = 64  # of a text
_PICTURES: Final = 64
_WARM_S: Final = 3.0


class Seen(NamedTuple):
    """What one kind's callers saw of one run."""

    rate: float  # tokens or answers a second
    longest_s: float


class Kind(NamedTuple):
    """One kind of model at full load."""

    unit: str
    model: str
    at: int  # callers at once
    load: Callable[[float], Awaitable[Seen]]  # for so many seconds


class Table:
    """What all rounds saw of each kind, alone and together."""

    def __init__(self, kinds: list[Kind]) -> None:
        self._kinds = kinds
        self._seen: dict[tuple[str, str], list[Seen]] = defaultdict(list)

    def add(self, kind: Kind, how: str, seen: Seen) -> None:
        """Note one run."""
        self._seen[kind.unit, how].append(seen)

    def of_alone(self, kind: Kind) -> float:
        """Return which part of its rate alone a kind has beside the others."""
        return self._rate(kind, "together") / self._rate(kind, "alone")

    def longest_s(self, kind: Kind, how: str) -> float:
        """Return the longest wait of any round."""
        return max(one.longest_s for one in self._seen[kind.unit, how])

    def lines(self) -> list[str]:
        """Return it in Markdown."""
        head = [
            "| | at once | alone | together | of alone | longest wait alone | together |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        return [*head, *map(self._line, self._kinds)]

    def _line(self, kind: Kind) -> str:
        alone, together = self._rate(kind, "alone"), self._rate(kind, "together")
        waits = " | ".join(f"{self.longest_s(kind, how):.2f} s" for how in ("alone", "together"))
        return (
            f"| {kind.unit}/s | {kind.at} | {alone:.0f} | {together:.0f}"
            f" | {self.of_alone(kind):.0%} | {waits} |"
        )

    def _rate(self, kind: Kind, how: str) -> float:
        return statistics.median(one.rate for one in self._seen[kind.unit, how])


def main() -> None:
    """Print the table."""
    options = _options()
    key = first_key()
    kinds = _kinds(options, key)
    table = Table(kinds)
    asyncio.run(_together(kinds, _WARM_S))
    for _ in range(options.rounds):
        for kind in kinds:
            table.add(kind, "alone", asyncio.run(_seen(kind, options.seconds)))
        for kind, seen in zip(kinds, asyncio.run(_together(kinds, options.seconds)), strict=True):
            table.add(kind, "together", seen)
    threads = [threads_of(options.url, key, kind.model) for kind in kinds]
    share = share_of(threads, os.cpu_count() or 1)
    longest = max(table.longest_s(kind, "together") for kind in kinds)
    print("\n".join(table.lines()))
    print(f"\nChat's share of the cores: {share:.0%}.")
    sys.exit(table.of_alone(kinds[0]) < share or longest > LONGEST_S)


def share_of(threads: list[int], cores: int) -> float:
    """Return which part of its own speed each model is owed where all run at once."""
    return cores / max(cores, sum(threads))


async def _together(kinds: list[Kind], seconds: float) -> list[Seen]:
    return await asyncio.gather(*(kind.load(seconds) for kind in kinds))


async def _seen(kind: Kind, seconds: float) -> Seen:
    return await kind.load(seconds)


def _kinds(options: argparse.Namespace, key: str) -> list[Kind]:
    """Return chat first, then what runs beside it."""
    address = urlsplit(options.url)
    chat = ChatServer(
        name="the platform",
        host=address.hostname or "127.0.0.1",
        port=address.port or 80,
        model=options.chat_model,
        key=key,
        fields={"stream_options": {"include_usage": True}},
    )
    embedding = embedding_door(options.url, "/v1/embeddings", options.embedding_model, key)
    image = image_door(options.url, options.image_model, key)
    asked = texts(10_000, _WORDS)
    urls = [f"data:image/jpeg;base64,{one}" for one in pictures(_PICTURES)]
    chats, embeddings, images = options.at
    return [
        Kind("tokens", chat.model, chats, lambda s: _chats(chat, chats, s)),
        Kind(
            "embeddings",
            options.embedding_model,
            embeddings,
            lambda s: _answers(embedding, embeddings, s, asked),
        ),
        Kind("images", options.image_model, images, lambda s: _answers(image, images, s, urls)),
    ]


async def _answers(door: Door, at: int, seconds: float, asked: list[str]) -> Seen:
    began = time.perf_counter()
    found = await latencies(door, at, seconds, asked)
    return Seen(len(found) / (time.perf_counter() - began), max(found))


async def _chats(server: ChatServer, at: int, seconds: float) -> Seen:
    began = time.perf_counter()
    callers = (_chat(server, number, began + seconds) for number in range(at))
    streams = [one for each in await asyncio.gather(*callers) for one in each]
    rate = sum(tokens_until(began + seconds, one) for one in streams) / seconds
    return Seen(rate, max(one.first_s for one in streams))


async def _chat(server: ChatServer, number: int, end: float) -> list[Stream]:
    """Chat until `end`, a time of perf_counter, always about something else."""
    streams: list[Stream] = []
    while time.perf_counter() < end:
        streams.append(await ask(server, number + 1000 * len(streams), _TOKENS))
    return streams


def tokens_until(end: float, stream: Stream) -> float:
    """Return how many of its tokens had arrived by then."""
    arrived = sum(when <= end for when in stream.arrivals)
    return stream.tokens * arrived / len(stream.arrivals)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--chat-model", default="smollm2-135m-instruct")
    parser.add_argument("--embedding-model", default="all-minilm-l6-v2")
    parser.add_argument("--image-model", default="mobilenet-v2")
    parser.add_argument(
        "--at", type=int, nargs=3, default=[8, 64, 8], metavar=("CHATS", "TEXTS", "PICTURES")
    )
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
