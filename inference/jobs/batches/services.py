"""Writes of batches. Each change is one conditional update; its count says who won."""

import uuid
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import User
from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.request_ids import new_request_id
from inference.jobs.batches.endpoints import WINDOWS
from inference.jobs.batches.wakening import batches_wake
from inference.jobs.models import Batch, BatchStatus, File, Job, Purpose, Status
from inference.jobs.services import CONCURRENCY

CANCELLABLE: Final = (BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS)
# A place among one's requests at once comes back at any moment; only windows are worth waiting for.
_FOR_A_PLACE_S: Final = 1.0
_CHUNK_ROWS: Final = 500


def batch_create(
    *,
    principal: Principal,
    endpoint: str,
    input_file_id: uuid.UUID,
    completion_window: str,
    metadata: dict[str, str],
    client_address: str = "",
    user_agent: str = "",
) -> Batch:
    """Begin a batch, and wake a worker once that is committed. Raises ApiError."""
    batch = Batch(
        id=new_request_id(),
        user_id=principal.user_id,
        api_key_id=principal.key_id,
        came_with_key=principal.key_id is not None,
        endpoint=endpoint,
        completion_window=completion_window,
        metadata=metadata,
        input_file_id=input_file_id,
        client_address=client_address,
        user_agent=user_agent,
        created_at=Now(),
        expires_at=_window_end(completion_window),
    )
    with transaction.atomic():
        # Holds the user's row: neither is the file deleted now, nor one batch too many begun.
        User.objects.filter(id=principal.user_id).update(plan_id=F("plan_id"))
        _refuse_too_many(principal.user_id)
        _refuse_file(principal.user_id, input_file_id)
        batch.save(force_insert=True)
        transaction.on_commit(batches_wake)
    batch.refresh_from_db()
    return batch


def batch_cancel(*, batch: Batch) -> bool:
    """Begin no more of its lines; return whether it was still validated or worked on.

    Lines under way are done to their end: what is charged is delivered.
    """
    going_on = Batch.objects.filter(id=batch.id, status__in=CANCELLABLE)
    won = going_on.update(status=BatchStatus.CANCELLING, cancelling_at=Now()) == 1
    if won:
        transaction.on_commit(batches_wake)
    return won


def batch_hold(*, batch_id: uuid.UUID, error: ApiError, seconds: float) -> None:
    """Begin none of the batch's lines for a while where a limit refused one of them."""
    if error.status != 429:
        return
    for_s = min(seconds, _FOR_A_PLACE_S) if error.code == CONCURRENCY else seconds
    Batch.objects.filter(id=batch_id).update(held_until=Now() + timedelta(seconds=for_s))


def batch_retry(*, batch: Batch) -> bool:
    """Try again what failed or was not done; return whether that was possible.

    It is not where the batch has not ended or its file is gone. What was done is not done again.
    """
    if not batch.has_ended or not _input_file(batch.user_id, batch.input_file_id).exists():
        return False
    expires_at = _window_end(batch.completion_window)
    # Nobody begins them before the batch itself is in progress again.
    Job.objects.filter(batch=batch, status__in=(Status.FAILED, Status.CANCELLED)).update(
        status=Status.QUEUED, available_at=Now(), deadline_at=expires_at, ended_at=None,
        error="", losses=0, prompt_tokens=None, completion_tokens=None, images=None,
    )  # fmt: skip
    again = BatchStatus.VALIDATING if batch.in_progress_at is None else BatchStatus.IN_PROGRESS
    ended = Batch.objects.filter(id=batch.id, status=batch.status).exclude(ended_at=None)
    won = ended.update(
        status=again, ended_at=None, expires_at=expires_at, errors=[], held_until=None,
        finalizing_at=None, cancelling_at=None, output_file_id=None, error_file_id=None,
    ) == 1  # fmt: skip
    if won:
        transaction.on_commit(batches_wake)
    return won


def batches_purge(*, older_than_days: int | None = None) -> int:
    """Delete batches that ended longer ago, JOB_RETENTION_DAYS by default; return how many.

    0 days keeps everything. Lines first, in chunks, each its own transaction. Files stay: they have
    a time of their own.
    """
    days = settings.JOB_RETENTION_DAYS if older_than_days is None else older_than_days
    if days <= 0:
        return 0
    outdated = Batch.objects.filter(ended_at__lt=Now() - timedelta(days=days))
    deleted = 0
    for batch_id in list(outdated.values_list("id", flat=True)):
        lines = Job.objects.filter(batch_id=batch_id)
        while ids := list(lines.values_list("id", flat=True)[:_CHUNK_ROWS]):
            rows = Job.objects.filter(id__in=ids)
            rows._raw_delete(rows.db)
        # The condition again: one that was retried meanwhile has not ended any more.
        deleted += outdated.filter(id=batch_id).delete()[1].get("jobs.Batch", 0)
    return deleted


def _window_end(window: str) -> Any:
    return Now() + timedelta(hours=WINDOWS[window])


def _refuse_too_many(user_id: int) -> None:
    most = settings.MAX_BATCHES_PER_USER
    if Batch.objects.filter(user_id=user_id, ended_at=None).count() >= most:
        detail = f"You have {most:,} batches that have not ended, the most there may be."
        raise ApiError(429, "too_many_batches", detail, retry_after=60)


def _refuse_file(user_id: int, file_id: uuid.UUID) -> None:
    purpose = _input_file(user_id, file_id).values_list("purpose", flat=True).first()
    if purpose is None:
        detail = "input_file_id: There is no such file. GET /v1/files lists yours."
        raise ApiError(404, "file_not_found", detail, param="input_file_id")
    if purpose != Purpose.BATCH:
        detail = f"input_file_id: Its purpose is `{purpose}`. Upload it with purpose `batch`."
        raise ApiError(400, "wrong_purpose", detail, param="input_file_id")


def _input_file(user_id: int, file_id: uuid.UUID) -> QuerySet[File]:
    unexpired = Q(expires_at=None) | Q(expires_at__gt=Now())
    return File.objects.filter(unexpired, id=file_id, user_id=user_id)
