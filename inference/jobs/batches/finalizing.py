"""Writing what a batch came to: a file of answers, and one of errors."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from django.db.models.functions import Now

from aiplatform.errors import ApiError, openai_error
from aiplatform.json_media import encode
from inference.jobs.batches.ending import batch_end
from inference.jobs.batches.turns import Turn
from inference.jobs.failure import failure_read
from inference.jobs.files.services import file_write
from inference.jobs.models import BatchStatus, File, Job, Status
from inference.jobs.public_ids import public_id

_CHUNK_ROWS: Final = 100
_EXPIRED: Final = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}


def batch_finalize(turn: Turn) -> None:
    """Write the files of a batch that has no open lines, and end it. Raises OSError and TurnLost.

    Whoever comes after one who was killed here writes them anew; what was written before belongs to
    no row, and is removed with what else is forgotten.
    """
    batch = turn.batch
    turn.held.filter(status=BatchStatus.IN_PROGRESS).update(
        status=BatchStatus.FINALIZING, finalizing_at=Now()
    )
    status = _status(turn)
    shown = (
        [Status.FAILED] if status == BatchStatus.CANCELLED else [Status.FAILED, Status.CANCELLED]
    )
    output = _file(turn, "output", [Status.COMPLETED])
    errors = _file(turn, "error", shown)
    files = [file for file in (output, errors) if file]
    lines = Job.objects.filter(batch=batch)
    try:
        batch_end(
            turn,
            status,
            files=files,
            output_file_id=output and output.id,
            error_file_id=errors and errors.id,
            total=lines.count(),
            completed=lines.filter(status=Status.COMPLETED).count(),
            failed=lines.filter(status=Status.FAILED).count(),
        )
    except BaseException:
        for file in files:
            file.path.unlink(missing_ok=True)
        raise


def _status(turn: Turn) -> BatchStatus:
    """Return how the batch ends: lines that nobody cancelled were given up for its window."""
    if turn.batch.status == BatchStatus.CANCELLING:
        return BatchStatus.CANCELLED
    lines = Job.objects.filter(batch=turn.batch)
    begun = turn.batch.in_progress_at is not None
    if begun and not lines.filter(status=Status.CANCELLED).exists():
        return BatchStatus.COMPLETED
    return BatchStatus.EXPIRED


def _file(turn: Turn, what: str, statuses: list[Status]) -> File | None:
    batch = turn.batch
    name = f"{batch.public_id}_{what}.jsonl"
    return file_write(user_id=batch.user_id, filename=name, lines=_lines(turn, statuses))


def _lines(turn: Turn, statuses: list[Status]) -> Iterator[bytes]:
    """Yield the answers of the lines in these statuses, a few rows in memory at a time."""
    after = 0
    rows = Job.objects.filter(batch=turn.batch, status__in=statuses).order_by("line")
    while chunk := list(rows.filter(line__gt=after)[:_CHUNK_ROWS]):
        for job in chunk:
            yield encode(_answer(job))
        after = chunk[-1].line or 0
        turn.renew()


def _answer(job: Job) -> dict[str, Any]:
    body: Any = None
    error, status = None, 200
    if job.status == Status.COMPLETED:
        body = msgspec.Raw(job.result.encode())
    elif job.status == Status.FAILED:
        refused = _refusal(job)
        body, status = openai_error(refused), refused.status
    else:
        error = _EXPIRED
    response = {"status_code": status, "request_id": str(job.request_id), "body": body}
    return {
        "id": public_id("batch_req_", job.id),
        "custom_id": job.custom_id,
        "response": None if error else response,
        "error": error,
    }


def _refusal(job: Job) -> ApiError:
    """Return the failure that the job keeps as a problem."""
    kept = failure_read(job.error) or {}
    return ApiError(
        kept.get("status", 500),
        kept.get("code", "internal_error"),
        kept.get("detail", ""),
        param=kept.get("param"),
        reason=kept.get("limit"),
    )
