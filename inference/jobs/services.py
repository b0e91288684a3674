"""Writes of jobs. Each change is one conditional update; its count says who won."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, QuerySet, TextField, Value, When
from django.db.models.functions import Now

from accounts.principal import Principal
from aiplatform.request_ids import new_request_id
from inference.jobs.events import job_ended
from inference.jobs.inputs import input_drop, input_keep
from inference.jobs.metrics import jobs_ended
from inference.jobs.models import ENDED, Job, Priority, Status
from inference.jobs.progress import status_tell
from inference.jobs.wakening import worker_wake

CONCURRENCY: Final = "concurrency_limit"
SETTLES_WITHIN_S: Final = 20
_BODY_AFTER: Final = Case(
    When(keeps_body=True, then=F("body")), default=Value(""), output_field=TextField()
)


def job_submit(
    *,
    principal: Principal,
    kind: str,
    model_name: str,
    body: str,
    content: bytes = b"",
    priority: Priority = Priority.JOB,
    client_address: str = "",
    user_agent: str = "",
) -> Job:
    """Queue a job, and wake a worker once that is committed.

    `content` is what came beside the body; it is kept until the job has ended, and a job that came
    with one is not tried again after that. Raises ApiError where the user's files are too many.
    """
    job = Job(
        id=new_request_id(),
        user_id=principal.user_id,
        api_key_id=principal.key_id,
        came_with_key=principal.key_id is not None,
        kind=kind,
        model_name=model_name,
        priority=priority,
        body=body,
        keeps_body=settings.STORE_BODIES and principal.store_bodies and not content,
        client_address=client_address,
        user_agent=user_agent,
        created_at=Now(),
        available_at=Now(),
        deadline_at=_deadline(),
    )
    job.input = input_keep(user_id=job.user_id, content=content) if content else None
    try:
        _queue(job)
    except BaseException:
        input_drop(job)
        raise
    return job


def jobs_claim(*, limit: int) -> list[Job]:
    """Return at most `limit` jobs that are now the caller's to work on, each for one lease."""
    due = Job.objects.filter(
        status=Status.QUEUED, batch=None, available_at__lte=Now(), deadline_at__gt=Now()
    ).order_by("priority", "id")
    claimed = (job_claim(job_id) for job_id in due.values_list("id", flat=True)[:limit])
    return [job for job in claimed if job is not None]


def job_claim(job_id: uuid.UUID) -> Job | None:
    """Return the job, now the caller's to work on for one lease; None: somebody else has it."""
    request_id = new_request_id()
    with transaction.atomic():
        won = Job.objects.filter(id=job_id, status=Status.QUEUED).update(
            status=Status.PROCESSING, request_id=request_id, lease_until=_lease_end(),
            started_at=Now(), attempts=F("attempts") + 1, error="",
        ) == 1  # fmt: skip
        if not won:
            return None
        job = Job.objects.get(id=job_id)
        _tell(job, Status.PROCESSING, job.attempts)
    return job


def jobs_renew(*, request_ids: list[uuid.UUID]) -> None:
    """Hold the jobs of these attempts for another lease; with a result they are held already."""
    _held(request_ids).filter(result="").update(lease_until=_lease_end())


def job_keep_result(*, request_id: uuid.UUID, result: str) -> bool:
    """Keep what the attempt came to before it is settled; return whether it still holds the job.

    If the worker dies between the two, the history says whether the result was charged. If it is
    only slow, nobody may ask the history before it is written: nothing but that is left to do, and
    it is given time.
    """
    until = Now() + timedelta(seconds=settings.LEASE_TTL_S + SETTLES_WITHIN_S)
    return _held([request_id]).update(result=result, lease_until=until) == 1


def job_complete(*, job: Job, result: str, **usage: int) -> bool:
    """End the attempt's job well; return whether the attempt still held it."""
    return _end(_attempt(job), job, Status.COMPLETED, result=result, error="", **usage)


def job_fail(*, job: Job, error: str, **usage: int) -> bool:
    """End the attempt's job with an error; return whether the attempt still held it."""
    return _end(_attempt(job), job, Status.FAILED, result="", error=error, **usage)


def job_postpone(*, job: Job, seconds: float, error: str) -> bool:
    """Give the attempt's job back, to be tried again after so long or, past its deadline, not."""
    again = timedelta(seconds=seconds)
    with transaction.atomic():
        won = _attempt(job).filter(deadline_at__gt=Now() + again).update(
            status=Status.QUEUED, available_at=Now() + again, lease_until=None, result="",
            error=error,
        ) == 1  # fmt: skip
        if won:
            _tell(job, Status.QUEUED)
    return won


def job_note_usage(*, job: Job, **usage: int) -> None:
    """Write down what the attempt of a job used that was cancelled meanwhile."""
    Job.objects.filter(request_id=job.request_id, status=Status.CANCELLED).update(**usage)


def job_end_queued(*, job: Job, error: str) -> bool:
    """Fail a job that was not begun; return whether it still waited."""
    waiting = Job.objects.filter(id=job.id, status=Status.QUEUED)
    return _end(waiting, job, Status.FAILED, error=error)


def job_cancel(*, job: Job) -> bool:
    """End the job, whether it runs or not; return whether it had not ended yet.

    Its worker notices within a moment, stops the runner and settles what was made.
    """
    return _end(Job.objects.filter(id=job.id).exclude(status__in=ENDED), job, Status.CANCELLED)


def job_retry(*, job: Job) -> bool:
    """Queue a job anew that failed or was cancelled; return whether that was possible.

    Where its body was not kept it is not.
    """
    ended = Job.objects.filter(id=job.id, status__in=(Status.FAILED, Status.CANCELLED))
    with transaction.atomic():
        won = ended.exclude(body="").update(
            status=Status.QUEUED, available_at=Now(), deadline_at=_deadline(), ended_at=None,
            result="", error="", losses=0, prompt_tokens=None, completion_tokens=None,
            images=None,
        ) == 1  # fmt: skip
        if won:
            _tell(job, Status.QUEUED)
            transaction.on_commit(worker_wake)
    return won


def _end(rows: "QuerySet[Job]", job: Job, status: Status, **columns: Any) -> bool:
    """End the job if it is among `rows`, and tell everybody; return whether it was."""
    with transaction.atomic():
        ending = {"status": status, "ended_at": Now(), "lease_until": None, "body": _BODY_AFTER}
        if rows.update(input=None, **ending, **columns) != 1:
            return False
        input_drop(job)
        ended = Job.objects.get(id=job.id)
        if job.batch_id is None:
            job_ended(ended)
        _hasten_next(ended.user_id)
        _tell(job, status)
        transaction.on_commit(partial(jobs_ended.labels(job.kind, status).inc))
    return True


def _queue(job: Job) -> None:
    with transaction.atomic():
        job.save(force_insert=True)
        _tell(job, Status.QUEUED)
        transaction.on_commit(worker_wake)
    job.refresh_from_db()


def _hasten_next(user_id: int) -> None:
    """Try the user's next job now if it waits for one of theirs to end."""
    waiting = Job.objects.filter(
        user_id=user_id,
        batch=None,
        status=Status.QUEUED,
        available_at__gt=Now(),
        error__contains=CONCURRENCY,
    ).order_by("priority", "id")
    following = waiting.values_list("id", flat=True).first()
    if following is not None:
        Job.objects.filter(id=following, status=Status.QUEUED).update(available_at=Now())


def _tell(job: Job, status: Status, attempt: int = 0) -> None:
    if job.batch_id is None:  # nobody watches a line
        transaction.on_commit(partial(status_tell, job.id, status.value, attempt))


def _attempt(job: Job) -> "QuerySet[Job]":
    assert job.request_id is not None
    return _held([job.request_id])


def _held(request_ids: list[uuid.UUID]) -> "QuerySet[Job]":
    return Job.objects.filter(request_id__in=request_ids, status=Status.PROCESSING)


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.LEASE_TTL_S)


def _deadline() -> Any:
    return Now() + timedelta(hours=settings.JOB_DEADLINE_HOURS)
