"""One chat completion streamed over HTTP, and when its pieces arrived.

It uses no HTTP client library, because on few cores the client's own work would be much of what
is measured.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import msgspec

from benchmarks.load import WrongAnswerError

_LINE_BYTES: Final = 1 << 20  # the longest line of an answer


class ChatServer(msgspec.Struct, frozen=True):
    """Where a server of chat completions listens, and how to ask it."""

    name: str
    port: int
    model: str
    key: str = ""
    host: str = "127.0.0.1"
    # Merged into every body: how this server is told what OpenAI's protocol has no word for.
    fields: dict[str, Any] = {}


@dataclass
class Stream:
    """When one request's text arrived; seconds, monotonic."""

    began: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    tokens: int = 0
    text: str = ""

    @property
    def first_s(self) -> float:
        """Time to the first text."""
        return self.arrivals[0] - self.began

    @property
    def gaps(self) -> list[float]:
        """Seconds between one piece of text and the next."""
        return [after - before for before, after in pairwise(self.arrivals)]


Message = dict[str, str]


async def stream(server: ChatServer, messages: Sequence[Message], **fields: Any) -> Stream:
    """Ask once and note when each event with text arrives. Raises WrongAnswerError."""
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=_LINE_BYTES)
    made = Stream(began=time.perf_counter())
    writer.write(_request(server, messages, fields))
    try:
        await _read(server, reader, made)
    finally:
        writer.close()
    if not made.arrivals:
        raise WrongAnswerError(f"{server.name} answered without any text")
    return made


def _request(server: ChatServer, messages: Sequence[Message], fields: dict[str, Any]) -> bytes:
    asked = {"model": server.model, "messages": list(messages), "stream": True}
    body = json.dumps({**asked, **server.fields, **fields}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
        f"Authorization: Bearer {server.key or 'unused'}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _read(server: ChatServer, reader: asyncio.StreamReader, made: Stream) -> None:
    status = await reader.readline()
    if b" 200 " not in status:
        said = (await reader.read(2000)).decode(errors="replace")
        raise WrongAnswerError(f"{server.name} refused: {status.decode().strip()}\n{said}")
    async for line in reader:
        if line.strip() == b"data: [DONE]":
            return
        if line.startswith(b"data: "):
            event = json.loads(line[len(b"data: ") :])
            if "error" in event:
                raise WrongAnswerError(f"{server.name} failed in mid answer: {event['error']}")
            _note(made, event)


def _note(made: Stream, event: dict[str, Any]) -> None:
    choices = event.get("choices")
    text = choices[0]["delta"].get("content") if choices else None
    if text:
        made.arrivals.append(time.perf_counter())
        made.text += text
    if event.get("usage"):
        made.tokens = event["usage"]["completion_tokens"]
