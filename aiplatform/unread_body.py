"""A body that is not worth reading: left where it is, and the connection closed with the answer."""

import asyncio
import contextlib
from typing import Any, Final

# Seconds for which more of a body is thrown away after its answer. To close on a client that still
# sends resets the connection, which can take the answer from it unread (RFC 9112 §9.6).
LINGER_S: Final = 2.0

_NOTHING_MORE: Final = {"type": "http.request", "body": b"", "more_body": False}
_END: Final = {"type": "http.response.body", "body": b"", "more_body": False}
_CLOSE: Final = (b"connection", b"close")


class Unread:
    """A request whose body ends where it was read to, and whose connection ends with its answer."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._ended = False

    async def receive(self) -> Any:
        """Say that the body is over; to whoever asks for the client's end, nothing."""
        if self._ended:
            await asyncio.Event().wait()  # cancelled with the answer, which is on its way
        self._ended = True
        return _NOTHING_MORE

    async def send(self, message: Any) -> None:
        """Send the answer, and with its end the connection's."""
        if message["type"] == "http.response.start":
            await self._send({**message, "headers": [*message["headers"], _CLOSE]})
            return
        await self._send({**message, "more_body": True})
        if not message.get("more_body", False):
            with contextlib.suppress(TimeoutError):
                await self._linger()
            await self._send(_END)

    async def _linger(self) -> None:
        more = True
        async with asyncio.timeout(LINGER_S):
            while more:
                more = (await self._receive()).get("more_body", False)
