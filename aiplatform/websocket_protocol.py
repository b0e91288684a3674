"""uvicorn's websocket protocol, with an end that loses nothing and closes that wait for nobody.

- uvicorn closes every socket the moment it is asked to end; here the application is told by an
  event of its own, `websocket.shutdown`, and closes them when what they do is done.
- To close a socket uvicorn waits until the client has taken what was sent before, which one that
  has stopped reading never does. Here nothing is waited for, and such a connection is cut.
- A text frame is written as it is: by way of its library's frames a token costs five times that.
- At LOG_LEVEL=DEBUG its library writes every header and message into the log, keys and all.
"""

import struct
from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

# From the close frame until a client that takes nothing is cut off.
_LINGER_S: Final = 5.0
_FINAL_TEXT: Final = 0x81
_SHORT_HEADS: Final = [bytes((_FINAL_TEXT, length)) for length in range(126)]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One websocket connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn.debug = False

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent:
            event: Any = {"type": "websocket.shutdown"}
            self.queue.put_nowait(event)
        else:
            super().shutdown()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send" and self.handshake_complete:
            await self._send_text(message["text"])
            return
        if message["type"] == "websocket.close":
            if self.close_sent:
                return  # the keepalive or the parser was first
            if not self.writable.is_set():
                self.writable.set()
                self.loop.call_later(_LINGER_S, self.transport.abort)
        await super().send(message)

    async def _send_text(self, text: str) -> None:
        """Send a text message, in one frame."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(_frame(text.encode()))

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(_LINGER_S, self.transport.abort)


def _frame(payload: bytes) -> bytes:
    """Return a final, unmasked text frame (RFC 6455 §5.2)."""
    length = len(payload)
    if length < len(_SHORT_HEADS):
        return _SHORT_HEADS[length] + payload
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, 126, length) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, 127, length) + payload
