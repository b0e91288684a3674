"""How a batch is written, and how one is found by the text of an address."""

from datetime import datetime
from typing import Any, Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.openai.files.form import PREFIX as FILE
from inference.jobs.batches.selectors import Counts, batch_counts, batch_find
from inference.jobs.models import Batch, BatchStatus
from inference.jobs.public_ids import id_of, public_id

PREFIX: Final = "batch_"


def batch_forms(batches: list[Batch]) -> list[dict[str, Any]]:
    """Return the batches as OpenAI writes them; one query counts the lines of all."""
    counts = batch_counts(batches)
    return [_form(batch, counts[batch.id]) for batch in batches]


def batch_of(principal: Principal, text: str) -> Batch:
    """Return the batch. Raises ApiError, the same for another's as for none at all."""
    batch_id = id_of(PREFIX, text)
    batch = batch_find(batch_id=batch_id, user_id=principal.user_id) if batch_id else None
    if batch is None:
        detail = "There is no such batch. GET /v1/batches lists yours."
        raise ApiError(404, "batch_not_found", detail)
    return batch


def _form(batch: Batch, counts: Counts) -> dict[str, Any]:
    errors = {"object": "list", "data": batch.errors} if batch.errors else None
    output, failures = batch.output_file_id, batch.error_file_id
    return {
        "id": batch.public_id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": errors,
        "input_file_id": public_id(FILE, batch.input_file_id),
        "completion_window": batch.completion_window,
        "status": batch.status,
        "output_file_id": output and public_id(FILE, output),
        "error_file_id": failures and public_id(FILE, failures),
        "created_at": _seconds(batch.created_at),
        "in_progress_at": _seconds(batch.in_progress_at),
        "expires_at": _seconds(batch.expires_at),
        "finalizing_at": _seconds(batch.finalizing_at),
        "completed_at": _ended(batch, BatchStatus.COMPLETED),
        "failed_at": _ended(batch, BatchStatus.FAILED),
        "expired_at": _ended(batch, BatchStatus.EXPIRED),
        "cancelling_at": _seconds(batch.cancelling_at),
        "cancelled_at": _ended(batch, BatchStatus.CANCELLED),
        "request_counts": counts._asdict(),
        "metadata": batch.metadata or None,
    }


def _ended(batch: Batch, how: BatchStatus) -> int | None:
    return _seconds(batch.ended_at) if batch.status == how else None


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
