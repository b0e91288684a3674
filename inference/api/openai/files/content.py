"""The body of an answer that is the content of a file."""

import asyncio
from pathlib import Path
from typing import Final

_PIECE: Final = 256 * 1024


class FileContent:
    """Pieces of a file, read in threads as the client takes them. Raises OSError at once.

    An iterator object and not a generator, because Django closes the former as soon as the client
    goes.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def __aiter__(self) -> "FileContent":
        return self

    async def __anext__(self) -> bytes:
        piece = await asyncio.to_thread(self._read)
        if not piece:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """The response is over, sent whole or not."""
        self._file.close()

    def _read(self) -> bytes:
        return b"" if self._file.closed else self._file.read(_PIECE)
