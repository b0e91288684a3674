"""The scribe: writes what all resumable generations of this process said, a few times a second.

One pipeline for all of them: a command of its own for each token would cost more than the token.
"""

import asyncio
import weakref
from typing import TYPE_CHECKING, Final

import structlog

from aiplatform.store import Unavailable
from inference.api.resumable import record

if TYPE_CHECKING:
    from inference.api.resumable.kept import Kept

log = structlog.get_logger("aiplatform.resumable")

WRITE_EVERY_S: Final = 0.05
# What cannot be written is kept for later, within the bound of each generation.
_AGAIN_AFTER_S: Final = 0.5


class _Scribe:
    """One event loop's."""

    def __init__(self) -> None:
        self.unwritten: dict[str, Kept] = {}
        self.forgotten: set[str] = set()
        self.writing = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._keep_writing())

    async def write(self) -> None:
        """Write what there is. Raises RedisError."""
        async with self.writing:
            for request_id in list(self.forgotten):
                await record.forget(request_id)
                self.forgotten.discard(request_id)
            batches = [(kept, kept.unwritten()) for kept in self.unwritten.values()]
            self.unwritten = {}
            known = [(kept, batch) for kept, batch in batches if batch is not None]
            if not known:
                return
            try:
                await record.write([(kept.request_id, batch) for kept, batch in known])
            except BaseException:
                for kept, _ in known:
                    self.unwritten.setdefault(kept.request_id, kept)
                raise
            for kept, batch in known:
                kept.written(batch)

    async def _keep_writing(self) -> None:
        while self.unwritten or self.forgotten:
            await asyncio.sleep(WRITE_EVERY_S)
            try:
                await self.write()
            except Unavailable as error:
                log.warning("said_not_written", reason=type(error).__name__)
                await asyncio.sleep(_AGAIN_AFTER_S)


_by_loop: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Scribe]] = (
    weakref.WeakKeyDictionary()
)


def write_soon(kept: "Kept") -> None:
    """See that what it said is written."""
    scribe = _scribe()
    scribe.unwritten[kept.request_id] = kept
    scribe.wake()


def forget_soon(request_id: str) -> None:
    """See that nothing of it stays in the store."""
    scribe = _scribe()
    scribe.unwritten.pop(request_id, None)
    scribe.forgotten.add(request_id)
    scribe.wake()


async def write_now() -> None:
    """Return when all that was said until now is written, or could not be at once."""
    try:
        await _scribe().write()
    except Unavailable as error:
        log.warning("said_not_written", reason=type(error).__name__)


def _scribe() -> _Scribe:
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = _Scribe()
    return _by_loop[loop]
