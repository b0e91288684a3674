"""A GGUF file on this machine: what it must be before it is converted."""

import hashlib
from pathlib import Path
from typing import Final

from inference.registry.progress import Progress
from inference.registry.sources import GgufSource

# https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: magic, version, two counts.
_MAGIC: Final = b"GGUF"
_HEADER: Final = 24  # bytes
_VERSIONS: Final = (2, 3)
_CHUNK: Final = 8 * 1024 * 1024
_STEP: Final = "reading the model"


class GgufError(Exception):
    """The file cannot be taken. The text names it and says why."""


def check_file(file: Path) -> None:
    """Return if `file` begins as a GGUF file does. Raises GgufError."""
    try:
        if not file.is_file():
            raise GgufError(f"{file} is no file on this machine")
        with file.open("rb") as opened:
            header = opened.read(_HEADER)
    except OSError as error:
        raise GgufError(f"{file} cannot be read: {error.strerror}") from error
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise GgufError(f"{file} is no GGUF file: it does not begin as one")
    version = int.from_bytes(header[4:8], "little")
    if version not in _VERSIONS:
        raise GgufError(f"{file} is of GGUF version {version}; {_VERSIONS} are read")


def read_digest(source: GgufSource, *, progress: Progress) -> str:
    """Return the SHA-256 of the file, in hex. Raises GgufError unless it is the one wanted."""
    check_file(source.file)
    digest, done, total = hashlib.sha256(), 0, source.file.stat().st_size
    with source.file.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(_STEP, done, total)
    found = digest.hexdigest()
    if source.sha256 not in ("", found):
        raise GgufError(
            f"{source.file} is not what it should be: expected SHA-256 {source.sha256}, got {found}"
        )
    return found


def version_of(file: Path) -> tuple[int, int, int]:
    """Return what changes when somebody writes to the file or puts another in its place."""
    stat = file.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
