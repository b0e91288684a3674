"""Settlement: the history row is safe before the last byte of its answer is sent.

Group commit: while one transaction runs, the entries of the next one gather. There is no timer, so
a lone request waits for nobody and a thousand at once share a few transactions.
"""

import asyncio
from functools import partial
from typing import Final

import structlog
from django.db import Error as DatabaseAway

from aiplatform.database import in_database
from aiplatform.database_writer import in_writer
from aiplatform.metrics import spooled_rows
from inference.gateway.entry import Entry
from inference.gateway.history import entries_write
from inference.gateway.spool import spool_append, spool_is_empty, spool_replay

log = structlog.get_logger(__name__)

# As many rows a transaction as keep it short; the rest is next in line anyway.
MAX_BATCH: Final = 500
REPLAY_EVERY_S: Final = 5.0

_Waiting = tuple[Entry, asyncio.Future[None]]


class Settlement:
    """The group commit of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._committing = False
        self._replaying: asyncio.Task[None] | None = None

    async def settle(self, entry: Entry) -> None:
        """Return when `entry` is in the database, or in the spool if that is away.

        Raises OSError when it can be kept nowhere.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if not self._committing:
            self._commit()
        await written

    async def replay(self) -> None:
        """Write what this or a former process left in the spool; keep at it until it is out."""
        self._replay()

    def _commit(self) -> None:
        """Have the writer keep those that wait now; it says when it has."""
        batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        self._committing = bool(batch)
        if batch:
            entries = [entry for entry, _ in batch]
            in_writer(partial(_keep, entries), partial(self._committed, batch))

    def _committed(self, batch: list[_Waiting], spooled: bool | Exception) -> None:
        self._commit()  # the next while these are told
        lost = spooled if isinstance(spooled, Exception) else None
        if lost:
            log.error("history_lost", entries=len(batch), exc_info=lost)
        elif spooled:
            spooled_rows.inc(len(batch))
            self._replay()
        _tell([written for _, written in batch], lost)

    def _replay(self) -> None:
        if self._replaying is None or self._replaying.done():
            self._replaying = asyncio.create_task(self._replay_until_empty())

    async def _replay_until_empty(self) -> None:
        while not spool_is_empty():
            try:
                replayed = await in_database(spool_replay, entries_write)
                log.info("spool_replayed", entries=replayed)
            except DatabaseAway:
                await asyncio.sleep(REPLAY_EVERY_S)


def _keep(entries: list[Entry]) -> bool:
    """Write `entries` into the database or, with that away, the spool; return whether there.

    Raises OSError when it can be kept nowhere.
    """
    try:
        entries_write(entries)
    except DatabaseAway as error:
        log.error("history_spooled", entries=len(entries), reason=type(error).__name__)
        spool_append(entries)
        return True
    return False


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
