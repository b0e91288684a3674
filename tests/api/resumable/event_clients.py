"""A client of server-sent events that loses its connection, and comes back."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.doors import CHAT, GenerationDoor
from tests.sse import events

RESUMABLE = {"X-Resumable": "true"}


@dataclass
class Listening:
    """One stream, over however many connections."""

    stream_id: str = ""
    received: bytes = b""  # whole events, one behind the other
    ids: list[int] = field(default_factory=list)
    _responses: dict[int, "_Arriving"] = field(default_factory=dict)

    @property
    def last(self) -> str:
        return str(self.ids[-1]) if self.ids else "0"

    @property
    def text(self) -> str:
        """Return the text of the first choice, having checked that every event came once."""
        assert self.ids == list(range(1, len(self.ids) + 1))
        said = [event.data for event in events(self.received.decode()) if event.data != "[DONE]"]
        return "".join(_delta(data) for data in said)

    @property
    def is_over(self) -> bool:
        return self.received.endswith(b"data: [DONE]\n\n")

    @contextlib.asynccontextmanager
    async def begin(
        self, client: httpx.AsyncClient, door: GenerationDoor = CHAT, **body: Any
    ) -> AsyncIterator[httpx.Response]:
        """Ask for a resumable stream; the connection is lost when the block ends."""
        asked = door.asking(stream=True, **body)
        async with client.stream("POST", door.address, json=asked, headers=RESUMABLE) as response:
            assert response.status_code == 200, await response.aread()
            self.stream_id = response.headers["x-request-id"]
            yield response

    @contextlib.asynccontextmanager
    async def resume(
        self, client: httpx.AsyncClient, prefix: str = "/v1"
    ) -> AsyncIterator[httpx.Response]:
        """Come back after the last event that arrived."""
        address = f"{prefix}/streams/{self.stream_id}"
        headers = {"Last-Event-ID": self.last}
        async with client.stream("GET", address, headers=headers) as response:
            assert response.status_code in (200, 204), await response.aread()
            yield response

    async def take(self, response: httpx.Response, most: int = 1_000_000) -> None:
        """Take so many events, or all; what came of one half-way counts as nothing."""
        arriving = self._arriving(response)
        while most > 0:
            while b"\n\n" not in arriving.bytes:
                try:
                    arriving.bytes += await anext(arriving.parts)
                except StopAsyncIteration:
                    return
            event, arriving.bytes = arriving.bytes.split(b"\n\n", 1)
            self._note(event)
            most -= 1

    async def rest(self, response: httpx.Response) -> bytes:
        """Return what still comes until the server ends the response."""
        arriving = self._arriving(response)
        async for part in arriving.parts:
            arriving.bytes += part
        return arriving.bytes

    def _arriving(self, response: httpx.Response) -> "_Arriving":
        if id(response) not in self._responses:
            self._responses[id(response)] = _Arriving(response.aiter_raw())
        return self._responses[id(response)]

    def _note(self, event: bytes) -> None:
        for line in event.split(b"\n"):
            if line.startswith(b"id: "):
                self.ids.append(int(line[4:]))
                self.received += event + b"\n\n"


@dataclass
class _Arriving:
    """What comes of one response, and what of it nobody has taken yet."""

    parts: AsyncIterator[bytes]
    bytes: bytes = b""


def _delta(data: dict[str, Any]) -> str:
    if "choices" not in data:
        return str(data.get("delta", ""))
    if not data["choices"]:
        return ""
    choice = data["choices"][0]
    return str(choice.get("text") or choice.get("delta", {}).get("content") or "")
