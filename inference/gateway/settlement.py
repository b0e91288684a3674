"""Settlement: the history row is safe before the last byte of its answer is sent.

Group commit: while one transaction runs, the entries of the next one gather. There is no timer, so
a lone request waits for nobody and a thousand at once share a few transactions.
"""

import asyncio
from typing import Final

import structlog
from django.db import Error as DatabaseAway

from aiplatform.database import in_database, in_writer
from aiplatform.metrics import spooled_rows
from inference.gateway.entry import Entry
from inference.gateway.history import entries_write
from inference.gateway.spool import spool_append, spool_is_empty, spool_replay

log = structlog.get_logger(__name__)

# As many rows a transaction as keep it short; the rest is next in line anyway.
MAX_BATCH: Final = 500
REPLAY_EVERY_S: Final = 5.0


class Settlement:
    """The group commit of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None
        self._replaying: asyncio.Task[None] | None = None

    async def settle(self, entry: Entry) -> None:
        """Return when `entry` is in the database, or in the spool if that is away.

        Raises OSError when it can be kept nowhere.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, written))
        if self._committing is None or self._committing.done():
            self._committing = loop.create_task(self._commit_while_any_wait())
        await written

    async def replay(self) -> None:
        """Write what this or a former process left in the spool; keep at it until it is out."""
        if self._replaying is None or self._replaying.done():
            self._replaying = asyncio.create_task(self._replay_until_empty())

    async def _commit_while_any_wait(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            try:
                await self._commit([entry for entry, _ in batch])
            except Exception as error:
                log.exception("history_lost", entries=len(batch))
                _tell([written for _, written in batch], error)
            else:
                _tell([written for _, written in batch], None)

    async def _commit(self, entries: list[Entry]) -> None:
        try:
            await in_writer(entries_write, entries)
        except DatabaseAway as error:
            log.error("history_spooled", entries=len(entries), reason=type(error).__name__)
            await asyncio.to_thread(spool_append, entries)
            spooled_rows.inc(len(entries))
            await self.replay()

    async def _replay_until_empty(self) -> None:
        while not spool_is_empty():
            try:
                replayed = await in_database(spool_replay, entries_write)
                log.info("spool_replayed", entries=replayed)
            except DatabaseAway:
                await asyncio.sleep(REPLAY_EVERY_S)


def _tell(waiting: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for written in waiting:
        if written.done():
            continue  # whoever waited has gone
        if failure is None:
            written.set_result(None)
        else:
            written.set_exception(failure)


_by_loop: Final[dict[asyncio.AbstractEventLoop, Settlement]] = {}


def settlement() -> Settlement:
    """Return the settlement of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = Settlement()
    return _by_loop[loop]
