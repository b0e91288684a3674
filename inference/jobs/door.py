"""The door of jobs and of lines of batches: it reads the row where others read a socket."""

import asyncio
import time
from typing import Final

import msgspec
import structlog
from django.db import Error as DatabaseAway

from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from accounts.selectors import principal_again
from aiplatform.database import in_database
from aiplatform.errors import ApiError
from aiplatform.store import Unavailable
from inference.gateway import errors
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import CLIENT_CLOSED, Entry
from inference.gateway.generation import PASSING
from inference.gateway.spec import Spec
from inference.jobs.batches.lines import line_body
from inference.jobs.batches.services import batch_hold
from inference.jobs.failure import failure_text
from inference.jobs.inputs import input_read
from inference.jobs.kinds import KINDS, Asked
from inference.jobs.metrics import jobs_postponed
from inference.jobs.models import Job
from inference.jobs.progress import Told, texts_tell
from inference.jobs.selectors import jobs_still_held
from inference.jobs.services import (
    job_complete,
    job_fail,
    job_keep_result,
    job_note_usage,
    job_postpone,
)

log = structlog.get_logger("inference.jobs")

LINE_NAME: Final = "batches"  # in history and metrics
# Tokens that come faster travel together: nobody reads them one by one.
TELL_EVERY_S: Final = 0.03
_AGAIN_S: Final = 2.0  # where a refusal does not say when


class JobDoor:
    """One attempt at one job on its way through the gateway."""

    def __init__(self, job: Job) -> None:
        assert job.request_id is not None
        self._job = job
        self._request_id = job.request_id
        self._kind = KINDS[job.kind]
        self._began = time.perf_counter()
        self._spec: Spec | None = None
        self._answered = Answered()
        self._made = 0  # tokens
        self._choices_ended = 0
        self._untold: list[Told] = []
        self._told_at = 0.0
        self.entry = Entry(
            id=job.request_id,
            door=self._kind.door if job.batch_id is None else LINE_NAME,
            client_address=job.client_address,
            user_agent=job.user_agent,
        )

    async def authenticate(self) -> Principal:
        """Return the job's owner as they are now, through the key that it came with."""
        job = self._job
        if job.came_with_key and job.api_key_id is None:
            raise AuthenticationRefused.invalid()  # it was deleted
        principal = await in_database(principal_again, user_id=job.user_id, key_id=job.api_key_id)
        if self._kind.form.scope not in principal.scopes:
            raise errors.scope_missing(self._kind.form.scope)
        return principal

    async def parse(self, principal: Principal) -> Spec:
        spec: Spec = await self._kind.parse(principal, await self._asked())
        # The first prompt of a process takes long to read; its job may have been cancelled since.
        if not await in_database(jobs_still_held, request_ids=[self._request_id]):
            raise _lost()
        self._spec = msgspec.structs.replace(spec, stream=False, priority=self._job.priority)
        return self._spec

    async def _asked(self) -> Asked:
        job = self._job
        body = job.body if job.batch_id is None else await in_database(line_body, job)
        content = await asyncio.to_thread(input_read, job) if job.input_id else b""
        return Asked(msgspec.json.decode(body), content)

    async def open(self, answered: Answered) -> None:
        self._answered = answered

    async def send(self, piece: Piece) -> None:
        self._made += piece.tokens
        # Nobody watches a line, and of items nothing is told before they are answered.
        if self._job.batch_id is None and (piece.text or piece.tokens):
            self._untold.append(Told(text=piece.text, choice=piece.choice, tokens=piece.tokens))
        self._choices_ended += bool(piece.finish_reason)
        complete = self._spec is not None and self._choices_ended == self._spec.choices
        if complete or time.monotonic() - self._told_at >= TELL_EVERY_S:
            await self._tell()
        if complete:
            await self._keep_result()

    async def finish(self, error: ApiError | None) -> None:
        await self._tell()
        try:
            await in_database(self._end, error)
        except DatabaseAway as away:  # its lease ends, and somebody finds what it came to
            log.error("job_not_ended", job=str(self._job.id), reason=type(away).__name__)
        log.info(
            "job",
            job=str(self._job.id),
            attempt=self._job.attempts,
            user=self.entry.username,
            model=self.entry.model_name,
            outcome=self.entry.status,
            code=self.entry.error_code,
            ms=round(self.entry.duration_ms, 2),
            prompt_tokens=self.entry.prompt_tokens,
            completion_tokens=self.entry.completion_tokens,
        )

    def _end(self, error: ApiError | None) -> None:
        """Write down what came of the attempt. Raises what the database raises."""
        if error is None:
            job_complete(job=self._job, result=self._result(self.entry), **self._usage)
        elif error.status == CLIENT_CLOSED:
            self._give_up(error)
        elif error.status in PASSING and self._postpone(error):
            jobs_postponed.labels(error.code).inc()
        else:
            job_fail(job=self._job, error=failure_text(error, self._request_id), **self._usage)

    def _give_up(self, error: ApiError) -> None:
        """The task was cancelled: with its job, or because this process ends."""
        if not job_postpone(job=self._job, seconds=0, error=""):
            job_note_usage(job=self._job, **self._usage)

    def _postpone(self, error: ApiError) -> bool:
        text, seconds = failure_text(error, self._request_id), error.retry_after or _AGAIN_S
        if self._job.batch_id is not None:
            batch_hold(batch_id=self._job.batch_id, error=error, seconds=seconds)
        return job_postpone(job=self._job, seconds=seconds, error=text)

    async def _keep_result(self) -> None:
        elapsed = (time.perf_counter() - self._began) * 1000
        entry = msgspec.structs.replace(
            self.entry, completion_tokens=self._made, duration_ms=elapsed
        )
        kept = await in_database(
            job_keep_result, request_id=self._request_id, result=self._result(entry)
        )
        if not kept:
            raise _lost()

    async def _tell(self) -> None:
        self._told_at, told, self._untold = time.monotonic(), self._untold, []
        try:
            if told:
                await texts_tell(self._job.id, told)
        except Unavailable as error:
            log.warning("job_event_lost", job=str(self._job.id), reason=type(error).__name__)

    def _result(self, entry: Entry) -> str:
        assert self._spec is not None
        return self._kind.form.whole(self._spec, entry, self._answered).decode()

    @property
    def _usage(self) -> dict[str, int]:
        entry = self.entry
        return {
            "prompt_tokens": entry.prompt_tokens,
            "completion_tokens": entry.completion_tokens,
            "images": entry.images,
        }


def _lost() -> ApiError:
    return ApiError(CLIENT_CLOSED, "job_lost", "The job is no longer this attempt's.")
