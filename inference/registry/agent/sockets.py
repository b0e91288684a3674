"""The names of runners' sockets, and the clearing of those that nobody listens on any more."""

import socket
from pathlib import Path


def runner_socket(folder: Path, start: str) -> Path:
    """Return the path of one start's socket; `start` is a short unique text."""
    return folder / f"r-{start}.sock"


def clear_dead_sockets(folder: Path) -> None:
    """Remove what runners left that were killed together with their agent."""
    for path in folder.glob(runner_socket(folder, "*").name):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except (ConnectionRefusedError, FileNotFoundError):
                path.unlink(missing_ok=True)
