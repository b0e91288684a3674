"""Rows of the history for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiplatform.request_ids import first_request_id
from inference.gateway.models import Request, RequestBody

BEGIN: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def history_rows(number: int, *, first: int = 0, **fields: Any) -> list[Request]:
    """Save that many rows, a minute apart from BEGIN on, oldest first; return them."""
    rows = [_row(first + place, fields) for place in range(number)]
    return Request.objects.bulk_create(rows)


def history_row(place: int = 0, prompt: Any = None, **fields: Any) -> Request:
    """Save one row, `place` minutes after BEGIN; with `prompt`, bodies too."""
    (row,) = history_rows(1, first=place, **fields)
    if prompt is not None:
        RequestBody.objects.create(request=row, prompt=prompt, completion="Paris")
    return row


def _row(place: int, fields: dict[str, Any]) -> Request:
    moment = BEGIN + timedelta(minutes=place)
    defaults = {
        "id": first_request_id(int(moment.timestamp() * 1000)),
        "created_at": moment,
        "username": "ada",
        "model_name": "tiny",
        "door": "chat/completions",
        "status": "completed",
        "finish_reason": "stop",
        "duration_ms": 1.0,
    }
    return Request(**{**defaults, **fields})
