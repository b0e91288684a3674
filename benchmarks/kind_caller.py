"""Callers that ask a server one thing after the other, each over a connection of its own."""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.measurement import Measurement, measurement_of


@dataclass(frozen=True)
class Door:
    """One address of a server, and how each of its requests is written."""

    url: str
    path: str
    headers: dict[str, str]
    body: Callable[[str], bytes]

    def request(self, asked: str) -> bytes:
        """Return a whole request."""
        body = self.body(asked)
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        head = "\r\n".join([f"POST {self.path} HTTP/1.1", "Host: benchmark", *lines])
        return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        address = urlsplit(self.url)
        host, port = address.hostname or "127.0.0.1", address.port or 80
        return await asyncio.open_connection(host, port, limit=1 << 20)


def embedding_door(url: str, path: str, model: str, key: str) -> Door:
    """Return the door for one vector a request, in base64."""

    def body(text: str) -> bytes:
        asked = {"model": model, "input": text, "encoding_format": "base64"}
        return json.dumps(asked).encode()

    return Door(url, path, _headers(key), body)


def image_door(url: str, model: str, key: str) -> Door:
    """Return the door for one picture a request; what is asked is a data URL."""

    def body(picture: str) -> bytes:
        return json.dumps({"model": model, "image": picture}).encode()

    return Door(url, "/api/v1/upload/image", _headers(key), body)


async def served(door: Door, at: int, seconds: float, asked: Sequence[str]) -> Measurement:
    """Return what `at` callers at once get in `seconds`."""
    return measurement_of(await latencies(door, at, seconds, asked), seconds)


async def latencies(door: Door, at: int, seconds: float, asked: Sequence[str]) -> list[float]:
    """Return how long each answer took that `at` callers at once asked for within `seconds`."""
    source = itertools.cycle(asked)
    end = time.perf_counter() + seconds
    found = await asyncio.gather(*(_caller(door, source, end) for _ in range(at)))
    return [one for each in found for one in each]


async def _caller(door: Door, source: Iterator[str], end: float) -> list[float]:
    """Ask until `end`, a time of perf_counter; return the latencies in seconds."""
    reader, writer = await door.connect()
    found = []
    while (began := time.perf_counter()) < end:
        await ask(door, next(source), reader, writer)
        found.append(time.perf_counter() - began)
    writer.close()
    return found


async def ask(
    door: Door, asked: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Ask once; ends the benchmark for an answer that is no 200."""
    writer.write(door.request(asked))
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if b" 200 " not in head.partition(b"\r\n")[0]:
        sys.exit(body.decode(errors="replace")[:2000])


def _headers(key: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
