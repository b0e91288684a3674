"""uvicorn's websocket protocol, with an end that loses nothing and a hold that bounds nobody else.

- uvicorn closes every socket the moment it is asked to end; here the application is told by an
  event of its own, `websocket.shutdown`, and closes them when what they do is done.
- To close a socket uvicorn waits until the client has taken what was sent before, which one that
  has stopped reading never does. Here nothing is waited for, and such a connection is cut.
- At LOG_LEVEL=DEBUG its library writes every header and message into the log, keys and all.
"""

from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# From the close frame until a client that takes nothing is cut off.
_LINGER_S: Final = 5.0


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
        if message["type"] == "websocket.send":
            await self.writable.wait()
            if self.close_sent:
                raise ClientDisconnected
        elif message["type"] == "websocket.close":
            if self.close_sent:
                return  # the keepalive or the parser was first
            if not self.writable.is_set():
                self.writable.set()
                self.loop.call_later(_LINGER_S, self.transport.abort)
        await super().send(message)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(_LINGER_S, self.transport.abort)
