"""A shift: one worker process works on jobs and lines, several at once, until none is due."""

import asyncio
import time
import uuid
from typing import Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseAway
from structlog.contextvars import bound_contextvars

from aiplatform.database import in_database
from inference.gateway.generation import generate, start
from inference.jobs.batches.claiming import LineClaims
from inference.jobs.door import JobDoor
from inference.jobs.metrics import job_wait_seconds
from inference.jobs.models import Job
from inference.jobs.selectors import jobs_still_held
from inference.jobs.services import jobs_claim, jobs_renew
from inference.jobs.stopping import worker_is_stopping

log = structlog.get_logger("inference.jobs")

LOOK_EVERY_S: Final = 0.25  # for new jobs, and for those that were cancelled
# After this a shift takes no more jobs, so that its process comes to do other tasks too.
LENGTH_S: Final = 60.0
_OF_GRACE: Final = 0.8  # how much of it running jobs get; the rest is for giving them back
_RENEWALS_A_LEASE: Final = 3
_OUTLIVED: Final = 0.8  # of a lease that could not be renewed: then somebody else may begin


class Shift:
    """The jobs that one process works on now."""

    def __init__(self) -> None:
        self._running: dict[uuid.UUID, asyncio.Task[None]] = {}  # by the attempts' request ids
        self._lines = LineClaims()
        self._jobs = 0  # of what runs, those that are no lines
        self._stopping_since = 0.0
        self._began = self._looked_at = self._renewed_at = time.monotonic()

    async def work(self) -> None:
        """Work until no job is due, or for LENGTH_S and to the end of what was begun by then."""
        try:
            while (await self._take() or self._running) and not self._must_end():
                await self._wait()
                await self._look()
        finally:
            await self._stop_all()

    @property
    def is_over(self) -> bool:
        """Whether it takes no more jobs."""
        return worker_is_stopping() or time.monotonic() - self._began > LENGTH_S

    def _must_end(self) -> bool:
        """Return whether what still runs is to be given back: nobody waits for it any longer."""
        if not worker_is_stopping():
            return False
        self._stopping_since = self._stopping_since or time.monotonic()
        return time.monotonic() - self._stopping_since > settings.SHUTDOWN_GRACE_S * _OF_GRACE

    async def _wait(self) -> None:
        await asyncio.wait(
            self._running.values(), timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED
        )
        for request_id, task in list(self._running.items()):
            if task.done():
                self._forget(request_id)
                if not task.cancelled() and (fault := task.exception()):
                    # A fault of ours: its lease ends, and it is tried again a few times.
                    log.error("job_attempt_broken", request=str(request_id), exc_info=fault)

    def _forget(self, request_id: uuid.UUID) -> None:
        del self._running[request_id]
        self._jobs -= not self._lines.ended(request_id)

    async def _stop_all(self) -> None:
        """Interrupted: give back what runs."""
        for task in self._running.values():
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values())
        await self._lines.give_back()

    async def _take(self) -> int:
        """Begin what is due: jobs first, which lines never keep from their places."""
        if self.is_over:
            return 0
        jobs = await self._claim_jobs(settings.JOBS_AT_ONCE - self._jobs)
        for job in jobs:
            self._begin(job)
        self._jobs += len(jobs)
        lines = await self._lines.claim()
        for line in lines:
            self._begin(line)
        return len(jobs) + len(lines)

    async def _claim_jobs(self, free: int) -> list[Job]:
        if free <= 0:
            return []
        try:
            return await in_database(jobs_claim, limit=free)
        except DatabaseAway as error:
            log.error("jobs_not_claimed", reason=type(error).__name__)
            return []

    def _begin(self, job: Job) -> None:
        assert job.request_id is not None
        assert job.started_at is not None
        if job.attempts == 1 and job.batch_id is None:
            job_wait_seconds.observe((job.started_at - job.created_at).total_seconds())
        with bound_contextvars(request_id=str(job.request_id)):
            self._running[job.request_id] = start(generate(JobDoor(job), asks_again=True))

    async def _look(self) -> None:
        """Renew what is held; stop what was cancelled or could not be renewed in time."""
        now = time.monotonic()
        if not self._running or now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        try:
            await self._renew(now)
            held = await in_database(jobs_still_held, request_ids=list(self._running))
        except DatabaseAway as error:
            log.error("jobs_not_renewed", reason=type(error).__name__)
            outlived = now - self._renewed_at > settings.LEASE_TTL_S * _OUTLIVED
            held = set() if outlived else set(self._running)
        for request_id, task in self._running.items():
            if request_id not in held:
                task.cancel()

    async def _renew(self, now: float) -> None:
        if now - self._renewed_at >= settings.LEASE_TTL_S / _RENEWALS_A_LEASE:
            await in_database(jobs_renew, request_ids=list(self._running))
            self._renewed_at = now
