"""The spool: where history entries wait on disk while the database is away."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec
import structlog
from django.conf import settings

from inference.gateway.entry import Entry

log = structlog.get_logger(__name__)

CHUNK: Final = 500
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Entry)


def spool_path() -> Path:
    """Return the file; one a machine, shared by its processes under a lock."""
    return Path(settings.SPOOL_DIR) / "history.jsonl"


def spool_append(entries: Sequence[Entry]) -> None:
    """Keep `entries` on disk. Returns when they are safe from a power cut."""
    lines = _encoder.encode_lines([_storable(entry) for entry in entries])
    with _locked("a+b") as file:
        file.write(lines if _ends_whole(file) else b"\n" + lines)
        file.flush()
        os.fsync(file.fileno())


def spool_is_empty() -> bool:
    """Return whether nothing waits."""
    path = spool_path()
    return not path.exists() or path.stat().st_size == 0


def spool_replay(write: Callable[[Sequence[Entry]], None]) -> int:
    """Hand every entry to `write` and empty the file; return how many there were.

    Raises what `write` raises, and then keeps everything: writing an entry twice is harmless.
    """
    if spool_is_empty():
        return 0
    with _locked("r+b") as file:
        entries = list(_entries(file))
        for start in range(0, len(entries), CHUNK):
            write(entries[start : start + CHUNK])
        file.truncate(0)
    return len(entries)


def _storable(entry: Entry) -> Entry:
    # Whoever wants no bodies kept wants none kept here either.
    return entry if entry.asked is not None else msgspec.structs.replace(entry, answered="")


def _entries(file: IO[bytes]) -> Iterator[Entry]:
    for line in file:
        try:
            yield _decoder.decode(line)
        except msgspec.MsgspecError:
            # Half a line: the machine died while it was written, before anybody was answered.
            log.error("spool_line_unreadable", bytes=len(line))


def _ends_whole(file: IO[bytes]) -> bool:
    """Return whether the last line is complete: what follows half of one would be lost with it."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


@contextmanager
def _locked(mode: str) -> Iterator[IO[bytes]]:
    with open(spool_path(), mode, opener=_for_owner_alone) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _for_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # prompts and answers are in it
