"""What happens to jobs that nobody works on any more: taken back, given up, deleted."""

from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from inference.gateway.models import Request
from inference.jobs.failure import failure_text, not_begun, workers_died
from inference.jobs.models import Job, Status
from inference.jobs.progress import status_tell
from inference.jobs.services import job_complete, job_end_queued, job_fail

log = structlog.get_logger("inference.jobs")

MAX_LOSSES: Final = 5  # a job that kills its worker must not kill every worker for ever
CHUNK_ROWS: Final = 500


def jobs_reclaim() -> int:
    """Queue again the jobs whose worker died; return how many.

    Where it died between settling the attempt and saying so, the job is completed instead: what
    was charged once is not done twice.
    """
    lost = Job.objects.filter(status=Status.PROCESSING, lease_until__lt=Now())
    return sum(_reclaim(job) for job in lost.order_by("id")[:CHUNK_ROWS])


def jobs_expire() -> int:
    """Fail the jobs that could not be begun in time; return how many."""
    late = Job.objects.filter(status=Status.QUEUED, batch=None, deadline_at__lte=Now())
    return sum(
        job_end_queued(job=job, error=job.error or failure_text(not_begun(), job.id))
        for job in late.order_by("id")[:CHUNK_ROWS]
    )


def jobs_purge(*, older_than_days: int | None = None) -> int:
    """Delete jobs that ended longer ago, JOB_RETENTION_DAYS by default; return how many.

    0 days keeps everything. In chunks by id, each its own transaction.
    """
    days = settings.JOB_RETENTION_DAYS if older_than_days is None else older_than_days
    if days <= 0:
        return 0
    outdated = Job.objects.filter(batch=None, ended_at__lt=timezone.now() - timedelta(days=days))
    deleted = 0
    while ids := list(outdated.order_by("ended_at").values_list("id", flat=True)[:CHUNK_ROWS]):
        # The condition again: one that was retried meanwhile has not ended any more.
        gone, _ = outdated.filter(id__in=ids).delete()
        deleted += gone
    return deleted


def _reclaim(job: Job) -> bool:
    assert job.request_id is not None
    settled = Request.objects.filter(id=job.request_id, status="completed").first()
    if job.result and settled is not None:
        log.warning("job_completed_after_loss", job=str(job.id))
        return job_complete(
            job=job,
            result=job.result,
            prompt_tokens=settled.prompt_tokens,
            completion_tokens=settled.completion_tokens,
            images=settled.images,
        )
    if job.losses + 1 >= MAX_LOSSES:
        return job_fail(job=job, error=failure_text(workers_died(MAX_LOSSES), job.request_id))
    log.warning("job_reclaimed", job=str(job.id), attempt=job.attempts)
    return _requeue(job)


def _requeue(job: Job) -> bool:
    held = Job.objects.filter(
        request_id=job.request_id, status=Status.PROCESSING, lease_until__lt=Now()
    )
    with transaction.atomic():
        won = held.update(
            status=Status.QUEUED, lease_until=None, result="", losses=F("losses") + 1,
            available_at=Now(),
        ) == 1  # fmt: skip
        if won and job.batch_id is None:
            transaction.on_commit(lambda: status_tell(job.id, Status.QUEUED))
    return won
