"""Room on the disk: asked for before it is used, and named when it runs out."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_OUT_OF_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MEGABYTE: Final = 1_000_000


class DiskError(Exception):
    """Files cannot be written. The text says where and what to do."""


def require_space(directory: Path, needed: int) -> None:
    """Raise DiskError unless `needed` bytes are free where `directory` (existing) lies."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise DiskError(
            f"{_megabytes(needed)} MB of free disk space are needed in {directory}, "
            f"{free // _MEGABYTE} MB are there; "
            f"free {_megabytes(needed - free)} MB and run this again"
        )


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Turn what the operating system says about writing to `directory` into DiskError."""
    try:
        yield
    except OSError as error:
        if error.errno in _OUT_OF_SPACE:
            raise DiskError(
                f"the disk became full while writing to {directory}; "
                "free some space and run this again"
            ) from error
        raise DiskError(
            f"{directory} cannot be written: {error.strerror}; check its owner and permissions"
        ) from error


def _megabytes(size: int) -> int:
    return -(-size // _MEGABYTE)
