"""The web's listening socket: bound by the supervisor, before anything else is started.

A busy port is found out while nothing runs yet, several web processes share one socket, and while
one of them is started again connections wait in its queue instead of being refused.
"""

import errno
import socket
import time
from typing import Final

BACKLOG: Final = 2048
# After a kill -9 the kernel takes a moment to close what the dead processes had open.
PATIENCE_S: Final = 1.0


class PortError(Exception):
    """The address cannot be listened on. The message says which and what to do."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`. Raises PortError."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_server(
                (host, port), family=_family(host), backlog=BACKLOG, reuse_port=False
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise PortError(_remedy(host, port, error)) from error
            time.sleep(0.1)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _remedy(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8000
        return f"Port {port} on {host} is in use. Choose another one: PORT={other} make run"
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges that this user lacks. Choose one over 1023: PORT=8000"
    return f"Cannot listen on HOST={host}, PORT={port}: {error.strerror or 'unknown host'}"
