"""Lines of batches, each a job of its own: made, begun in turns, given up."""

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from aiplatform.errors import ApiError
from aiplatform.request_ids import new_request_id
from inference.jobs.batches.endpoints import ENDPOINTS
from inference.jobs.batches.input import Line, body_at
from inference.jobs.models import Batch, BatchStatus, File, Job, Priority, Status
from inference.jobs.services import job_claim

CHUNK_ROWS: Final = 500
OPEN: Final = (Status.QUEUED, Status.PROCESSING)


def content_path(file_id: uuid.UUID) -> Path:
    """Return where the content of a file lies, whether or not the file is still there."""
    return File(id=file_id).path


def line_body(job: Job) -> bytes:
    """Return what a line asks, as JSON. Raises ApiError where its file cannot be read here."""
    assert job.batch is not None
    assert job.offset is not None
    assert job.length is not None
    try:
        return body_at(content_path(job.batch.input_file_id), job.offset, job.length)
    except OSError as error:
        detail = "The batch's file cannot be read by this worker: FILES_DIR must be shared by all."
        raise ApiError(503, "file_unavailable", detail, retry_after=5) from error


def lines_make(*, batch: Batch, lines: Iterable[Line]) -> None:
    """Make the jobs of lines. Those that were made before stay as they are."""
    jobs = [_job_of(batch, line) for line in lines]
    Job.objects.bulk_create(jobs, ignore_conflicts=True)


def lines_claim(*, limit: int, room: Mapping[str, int]) -> list[Job]:
    """Return at most `limit` lines that are now the caller's to work on, each for one lease.

    `room` says of each model that is served how many lines it may be given. Batches take turns,
    one of each user: nobody waits for the end of another's.
    """
    closed = [name for name, free in room.items() if free <= 0]
    batches = _due(closed)[:limit]
    left, claimed = dict(room), list[Job]()
    for place, batch in enumerate(batches):
        share = -(-(limit - len(claimed)) // (len(batches) - place))
        claimed += _claim_of(batch, share, closed, left)
    return claimed


def lines_are_due() -> bool:
    """Return whether a worker would find a line to begin, if there is room for it."""
    return bool(_due([]))


def lines_give_up(*, batch: Batch) -> None:
    """Cancel the lines that were not begun."""
    queued = Job.objects.filter(batch=batch, status=Status.QUEUED)
    while ids := list(queued.values_list("id", flat=True)[:CHUNK_ROWS]):
        queued.filter(id__in=ids).update(status=Status.CANCELLED, ended_at=Now())


def lines_open(batch: "Batch | OuterRef") -> QuerySet[Job]:
    """Return the lines that something may still come of."""
    return Job.objects.filter(batch=batch, status__in=OPEN)


def _due(closed: list[str]) -> list[Batch]:
    """Return batches with lines that could begin, the longest not served first."""
    running = Batch.objects.filter(
        Q(held_until=None) | Q(held_until__lte=Now()),
        status=BatchStatus.IN_PROGRESS,
        expires_at__gt=Now(),
        ended_at=None,
    )
    waiting = _begin_of(OuterRef("pk"), closed)
    found, of_users = list[Batch](), set[int]()
    for batch in running.filter(Exists(waiting)).order_by("served_at", "id"):
        if batch.user_id not in of_users:
            of_users.add(batch.user_id)
            found.append(batch)
    return found


def _begin_of(batch: "Batch | OuterRef", closed: list[str]) -> QuerySet[Job]:
    lines = Job.objects.filter(batch=batch, status=Status.QUEUED, available_at__lte=Now())
    return lines.exclude(model_name__in=closed) if closed else lines


def _claim_of(batch: Batch, share: int, closed: list[str], left: dict[str, int]) -> list[Job]:
    """Claim lines of one batch and take them off what is left of each model's room."""
    claimed = list[Job]()
    lines = _begin_of(batch, closed).order_by("line").values_list("id", "model_name")
    for job_id, model_name in lines[:share]:
        if left.get(model_name, 1) <= 0:
            continue
        job = job_claim(job_id)
        if job is not None:
            job.batch = batch
            claimed.append(job)
            if model_name in left:
                left[model_name] -= 1
    if claimed:
        Batch.objects.filter(id=batch.id).update(served_at=Now())
    return claimed


def _job_of(batch: Batch, line: Line) -> Job:
    return Job(
        id=new_request_id(),
        user_id=batch.user_id,
        api_key_id=batch.api_key_id,
        came_with_key=batch.came_with_key,
        kind=ENDPOINTS[batch.endpoint],
        model_name=line.model_name,
        priority=Priority.BATCH,
        keeps_body=False,  # it stands in the file
        batch=batch,
        line=line.number,
        custom_id=line.custom_id,
        offset=line.offset,
        length=line.length,
        client_address=batch.client_address,
        user_agent=batch.user_agent,
        created_at=Now(),
        available_at=Now(),
        deadline_at=batch.expires_at,
    )
