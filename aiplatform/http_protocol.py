"""uvicorn's HTTP protocol, which hangs up on a client that takes nothing of its answer.

An answer's head goes out with its body: answer_head.py.

While the buffers between here and a client are full, whoever makes the answer waits. uvicorn would
have it wait for ever: a client that stopped reading would keep its generation, and its place.
"""

import asyncio
import contextlib
import fcntl
import struct
import termios
from typing import Any, Final

import structlog
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aiplatform.answer_head import WithHead

_NUMBER: Final = struct.Struct("i")  # a C int

log = structlog.get_logger("aiplatform.request")


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(WithHead(transport))  # type: ignore[arg-type]  # duck-typed

    def handle_websocket_upgrade(self) -> None:
        joining: Any = self.transport
        self.transport = joining.transport  # a websocket's frames need none of it
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        self._look_no_more()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look_no_more()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._stall = self.loop.call_later(settings.STREAM_STALL_S, self._look, self._waiting())

    def _look_no_more(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _look(self, waiting: int) -> None:
        """Hang up where as much waits for the client as before; nothing is added meanwhile."""
        if self._waiting() < waiting:
            self._look_later()
            return
        # Its request writes a line of its own, as for any client that goes away.
        log.info("client_stalled", client=str(self.client and self.client[0]), waiting=waiting)
        self.transport.abort()  # close() would wait until the client has taken the rest

    def _waiting(self) -> int:
        """Return the bytes that the client has not taken, here and in the kernel.

        The kernel's buffer holds megabytes, and takes more only when a good part of it is free: by
        what waits here alone a client that reads slowly would seem to stand still.
        """
        here = self.transport.get_write_buffer_size()
        socket = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # a system that does not say it of sockets
            here += _NUMBER.unpack(fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
        return here
