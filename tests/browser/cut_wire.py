"""A wire between a browser and a web that can be cut: a TCP proxy of the test's own."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Wire:
    """Passes bytes on to `port` until it is cut, and again for whoever connects after that."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def base_url(self) -> str:
        """Where the browser goes instead."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Cut every connection there is, in both directions and without a goodbye."""
        self.cuts += 1
        with self._lock:
            for one in self._open:
                # Whoever copies from it wakes up and closes both ends.
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut, and take no more."""
        self._listener.close()
        self.cut()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


@contextlib.contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Lay a wire while the block runs."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()
