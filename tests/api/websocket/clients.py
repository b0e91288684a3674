"""A websocket client that is not ours, for the tests of `/ws/generate`."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live_web import LiveWeb

WAIT_S: Final = 20.0
Message = dict[str, Any]


class Client:
    """One socket, and what came over it that nobody has taken yet."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._put_by: list[Message] = []

    async def say(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def ask(self, named: str, model: str = "tiny", **fields: Any) -> None:
        """Begin a generation."""
        messages = fields.pop("messages", [{"role": "user", "content": "Hello"}])
        await self.say("generate", id=named, model=model, messages=messages, **fields)

    async def next(self) -> Message:
        """Return the next message."""
        if self._put_by:
            return self._put_by.pop(0)
        async with asyncio.timeout(WAIT_S):
            message: Message = json.loads(await self.connection.recv())
            return message

    async def of(self, named: str | None, *kinds: str) -> Message:
        """Return the next message with that id, of one of the kinds where any is named."""
        others: list[Message] = []
        while True:
            message = await self.next()
            if message.get("id") == named and (not kinds or message["type"] in kinds):
                self._put_by = others + self._put_by
                return message
            others.append(message)

    async def of_type(self, kind: str) -> Message:
        """Return the next message of that type."""
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def whole(self, named: str) -> list[Message]:
        """Return all messages of one generation, up to its end."""
        messages = [await self.of(named)]
        while messages[-1]["type"] not in ("finished", "error"):
            messages.append(await self.of(named))
        return messages

    async def closed(self) -> tuple[int, str]:
        """Return the code and reason of the close, reading on until it comes."""
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code or 0, self.connection.close_reason or ""

    def vanish(self) -> None:
        """Go away without a word."""
        self.connection.transport.abort()


@contextlib.asynccontextmanager
async def opened(web: LiveWeb, **options: Any) -> AsyncIterator[Client]:
    """Open a socket that has not said who is calling."""
    address = options.pop("address", f"ws://127.0.0.1:{web.port}/ws/generate")
    options = {"max_size": None, "proxy": None, "open_timeout": WAIT_S, **options}
    async with connect(address, **options) as connection:
        yield Client(connection)


@contextlib.asynccontextmanager
async def socket(web: LiveWeb, key: str = "ada", **options: Any) -> AsyncIterator[Client]:
    """Open a socket of that key's."""
    async with opened(web, **options) as client:
        await client.say("authenticate", token=web.keys[key])
        message = await client.next()
        assert message["type"] == "authenticated", message
        yield client


def text_of(messages: list[Message]) -> str:
    """Return the text of a generation, having checked that nothing is lost or doubled."""
    numbered = [message for message in messages if "seq" in message]
    first = numbered[0]["seq"]
    assert [message["seq"] for message in numbered] == list(range(first, first + len(numbered)))
    return "".join(message["text"] for message in messages if message["type"] == "delta")
