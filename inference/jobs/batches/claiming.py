"""Which lines a worker process begins: one process of all at a time, within the room there is."""

import time
import uuid
from collections import Counter
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.db import Error as DatabaseAway

from aiplatform.database import in_database
from aiplatform.errors import ApiError
from aiplatform.store import Unavailable, async_store
from inference.jobs.batches.advance import batches_are_ripe
from inference.jobs.batches.lines import lines_claim
from inference.jobs.batches.room import lines_room
from inference.jobs.batches.wakening import batches_wake
from inference.jobs.models import Job

log = structlog.get_logger("inference.jobs")

# Whoever holds it works on lines, so that BATCH_LINES_AT_ONCE counts for the whole platform. It is
# no lock: that a line is begun once is what its row sees to.
KEY: Final = "batches:claiming"
LASTS_MS: Final = 3_000
# How many times as long as a line ran its model rests while somebody waits for it: most of those
# who come then meet no line.
_RESTS: Final = 3


class _Attempt(NamedTuple):
    """One line under way."""

    model: str
    began: float  # monotonic


class LineClaims:
    """The lines that one process works on now."""

    def __init__(self) -> None:
        self._token = uuid.uuid4().hex.encode()
        self._under_way: dict[uuid.UUID, _Attempt] = {}
        self._rests_until: dict[str, float] = {}  # model → monotonic
        self._any_ended = False

    async def claim(self) -> list[Job]:
        """Return lines to begin now."""
        free = settings.BATCH_LINES_AT_ONCE - len(self._under_way)
        if free <= 0:
            return []
        try:
            claimed = await self._claim(free) if await self._may_claim() else []
            if not claimed and self._any_ended:
                self._any_ended = False
                if await in_database(batches_are_ripe):
                    batches_wake()
        except (ApiError, DatabaseAway, Unavailable) as error:
            log.warning("lines_not_claimed", reason=type(error).__name__)
            return []
        return claimed

    def ended(self, request_id: uuid.UUID) -> bool:
        """Note that an attempt is over; return whether it was one at a line."""
        attempt = self._under_way.pop(request_id, None)
        if attempt is None:
            return False
        now = time.monotonic()
        self._rests_until[attempt.model] = now + _RESTS * (now - attempt.began)
        self._any_ended = True
        return True

    async def give_back(self) -> None:
        """Let another process work on lines."""
        store: Any = async_store()
        try:
            if await store.get(KEY) == self._token:
                await store.delete(KEY)
        except Unavailable as error:
            log.debug("claiming_not_given_back", reason=type(error).__name__)

    async def _claim(self, free: int) -> list[Job]:
        now = time.monotonic()
        resting = {model for model, until in self._rests_until.items() if until > now}
        room = await lines_room(Counter(one.model for one in self._under_way.values()), resting)
        claimed = await in_database(lines_claim, limit=free, room=room)
        for job in claimed:
            assert job.request_id is not None
            self._under_way[job.request_id] = _Attempt(job.model_name, now)
        return claimed

    async def _may_claim(self) -> bool:
        """Return whether this is the process that works on lines, and see that it stays it."""
        store: Any = async_store()
        if await store.set(KEY, self._token, nx=True, px=LASTS_MS):
            return True
        if await store.get(KEY) != self._token:
            return False
        await store.pexpire(KEY, LASTS_MS)
        return True
