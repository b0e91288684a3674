"""Clients of streams that count every token and note how long it was on its way.

The canned runner writes into each token when it made it, on the clock that this machine's processes
share. SSE is read without a HTTP library: on few cores the client takes from what is measured.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import connect

from benchmarks.endpoint import Endpoint

_DATA: Final = b"data: "
_PROMPT: Final = "Say something."


@dataclass
class Seen:
    """What the clients of one run saw. Times in seconds, monotonic."""

    tokens: int = 0
    pieces: int = 0  # frames or events that carry text
    sent: list[tuple[float, float]] = field(default_factory=list)  # when, and how long it took
    all_began_at: float = 0.0

    def note(self, text: str, arrived: float) -> None:
        """Note the text of one piece."""
        words = [float(word) for word in text.split()]
        self.pieces += 1
        self.tokens += len(words)
        self.sent += [(word, arrived - word) for word in words]


@dataclass(frozen=True)
class Asked:
    """One stream to ask for."""

    endpoint: Endpoint
    model: str
    tokens: int
    resumable: bool = False


async def over_websocket(asked: Asked, seen: Seen, *, stalled_s: float = 0.0) -> None:
    """Take one generation over a socket of its own; the numbers must have no gap.

    With `stalled_s` nothing is read for so long once it began.
    """
    generate = {
        "type": "generate",
        "id": "a",
        "model": asked.model,
        "prompt": _PROMPT,
        "parameters": {"max_tokens": asked.tokens},
        "resumable": asked.resumable,
    }
    address = f"ws://127.0.0.1:{asked.endpoint.port}/ws/generate"
    async with connect(address, proxy=None, compression=None, open_timeout=120) as socket:
        await socket.send(json.dumps({"type": "authenticate", "token": asked.endpoint.key}))
        await socket.send(json.dumps(generate))
        seq = 0
        async for text in socket:
            arrived, message = time.monotonic(), json.loads(text)
            if message["type"] == "error":
                raise SystemExit(f"refused: {message['detail']}")
            seq += "seq" in message
            if message.get("seq", seq) != seq:
                raise SystemExit(f"message {seq} is lost or doubled")
            if message["type"] == "finished":
                return
            if message["type"] == "accepted":
                seen.all_began_at = arrived
                await asyncio.sleep(stalled_s)
            if message["type"] == "delta":
                seen.note(message["text"], arrived)


async def over_events(asked: Asked, seen: Seen) -> None:
    """Take one chat completion as server-sent events."""
    reader, writer = await asyncio.open_connection("127.0.0.1", asked.endpoint.port)
    try:
        writer.write(_request(asked))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit(f"refused: {head.decode()} {(await reader.read(1000)).decode()}")
        seen.all_began_at = time.monotonic()
        while (line := await reader.readline()) != b"data: [DONE]\n":
            if not line:
                raise SystemExit("a stream ended before its end")
            if line.startswith(_DATA):
                _note(json.loads(line[len(_DATA) :]), seen)
    finally:
        writer.close()


def _note(chunk: dict[str, Any], seen: Seen) -> None:
    arrived = time.monotonic()
    if "error" in chunk:
        raise SystemExit(f"failed: {chunk['error']}")
    if text := chunk["choices"][0]["delta"].get("content"):
        seen.note(text, arrived)


def _request(asked: Asked) -> bytes:
    body = {
        "model": asked.model,
        "max_tokens": asked.tokens,
        "stream": True,
        "messages": [{"role": "user", "content": _PROMPT}],
    }
    text = json.dumps(body).encode()
    head = (
        # In HTTP/1.0 no chunks lie between the events.
        "POST /v1/chat/completions HTTP/1.0\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: Bearer {asked.endpoint.key}\r\n"
        f"X-Resumable: {str(asked.resumable).lower()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text
