"""Only one supervisor for one VAR_DIR."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another process holds the lock. The message names it and says what to do."""


@contextmanager
def single_instance(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs. Raises AlreadyRunningError.

    The kernel drops the lock with the process, so nothing stale is ever left behind.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            raise AlreadyRunningError(
                f"Already running for {path.parent}: process {holder}. "
                f"Stop it (kill {holder}), or choose another folder with VAR_DIR=…"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
