"""An answer's head and its body in one write.

uvicorn writes the head when the application starts to answer and the body when that comes: two
system calls, and a client that is woken twice for one answer.
"""

import asyncio
from typing import Any

_HEAD = b"HTTP/1.1 "


class WithHead:
    """A transport that holds a head back until the part that comes with it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._head = b""
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Write `data`. A head waits for its body, at most until the loop's next turn."""
        if self._head:
            head, self._head = self._head, b""
            self.transport.writelines((head, data))
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._write_head)
        else:
            self.transport.write(data)

    def close(self) -> None:
        """Close once all is written."""
        self._write_head()
        self.transport.close()

    def _write_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.transport.write(head)
