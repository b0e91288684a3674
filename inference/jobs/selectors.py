"""Reads of jobs. Lines of batches are no jobs of anybody's own: those are in `batches`."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from inference.jobs.models import Job, Status

MAX_COUNTED: Final = 10_000  # jobs before another one; further back nobody needs to know exactly
_RATE_OVER_S: Final = 60


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs of one user are wanted; what is left empty excludes none."""

    user_id: int
    status: str = ""
    model_name: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None  # exclusive
    before: uuid.UUID | None = None  # a page's place: ids below this one


def jobs_page(*, wanted: JobFilter, limit: int) -> tuple[list[Job], uuid.UUID | None]:
    """Return at most `limit` jobs, newest first, and `before` of the next page if there is one.

    What was asked and answered is not read.
    """
    rows = Job.objects.filter(_condition(wanted)).order_by("-id").defer("body", "result")
    found = list(rows[: limit + 1])
    page = found[:limit]
    return page, page[-1].id if len(found) > limit else None


def job_find(*, job_id: uuid.UUID, user_id: int) -> Job | None:
    """Return one job of a user."""
    return Job.objects.filter(id=job_id, user_id=user_id, batch=None).defer("body").first()


def jobs_waiting(*, user_id: int) -> int:
    """Return how many jobs of a user have not ended."""
    return Job.objects.filter(
        user_id=user_id, batch=None, status__in=(Status.QUEUED, Status.PROCESSING)
    ).count()


def jobs_still_held(*, request_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Return those attempts whose jobs are still theirs."""
    held = Job.objects.filter(request_id__in=request_ids, status=Status.PROCESSING)
    return {held_by for (held_by,) in held.values_list("request_id") if held_by is not None}


def jobs_are_due() -> bool:
    """Return whether a worker would find something to do."""
    return Job.objects.filter(status=Status.QUEUED, batch=None, available_at__lte=Now()).exists()


def queue_position(job: Job) -> int:
    """Return how many queued jobs are before this one, MAX_COUNTED at most."""
    before = Q(priority__lt=job.priority) | Q(priority=job.priority, id__lt=job.id)
    return Job.objects.filter(before, status=Status.QUEUED, batch=None)[:MAX_COUNTED].count()


def estimated_start_s(job: Job, position: int) -> float | None:
    """Return in how many seconds a job with so many before it should begin: at the rate at which
    jobs ended in the last minute, and not before it is tried again. None where neither is known.
    """
    waits = max(0.0, (job.available_at - timezone.now()).total_seconds())
    since = Now() - timedelta(seconds=_RATE_OVER_S)
    ended = Job.objects.filter(ended_at__gte=since, batch=None)[:MAX_COUNTED].count()
    if ended:
        return round(max(waits, position * _RATE_OVER_S / ended), 1)
    return round(waits, 1) or None


def _condition(wanted: JobFilter) -> Q:
    condition = Q(user_id=wanted.user_id, batch=None)
    for field, value in (
        ("status", wanted.status),
        ("model_name", wanted.model_name),
        ("kind", wanted.kind),
        ("created_at__gte", wanted.since),
        ("created_at__lt", wanted.until),
        ("id__lt", wanted.before),
    ):
        if value:
            condition &= Q(**{field: value})
    return condition
