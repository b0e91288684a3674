"""The unix socket a runner listens on, for its owner only."""

import os
import socket
import stat
from pathlib import Path

MAX_PATH_BYTES = 107  # sockaddr_un holds no more


class ListenError(Exception):
    """The socket cannot be opened. The message says what to do."""


def listen(path: Path) -> socket.socket:
    """Bind `path` with mode 0600, replacing a socket that nobody listens on any more."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ListenError(f"socket path is over {MAX_PATH_BYTES} bytes: choose a shorter VAR_DIR")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)  # so that there is no moment in which others could connect
    try:
        listener.bind(os.fspath(path))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ListenError(f"cannot listen on {path.name}: {reason}") from error
    finally:
        os.umask(previous)
    return listener


def _remove_stale(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"{path.name} exists and is no socket: remove it or name another")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ListenError(f"another runner listens on {path.name}")
