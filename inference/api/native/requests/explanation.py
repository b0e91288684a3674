"""Why a request was admitted, refused, delayed or cut: in words, and for programs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from accounts.limit_words import what_over
from inference.gateway.cost_text import cost_text
from inference.gateway.models import Request, Status

_REASONS: Final = {
    "stop": "It ended by itself: the model was done or came to a stop text.",
    "length": "It was cut: the answer reached max_tokens or the end of the model's context.",
}
_CODES: Final = {
    "client_gone": "The client went away before the answer was complete.",
    "context_length_exceeded": "The prompt leaves no room for an answer in the model's context.",
    "database_unavailable": "The database was away.",
    "deadline_passed": "The answer was not complete when the time for a request was over.",
    "internal_error": "Something went wrong on the platform's side; its log has the request's id.",
    "invalid_request": "A field of the request was out of its bounds.",
    "limits_unavailable": "The limits could not be checked, and then nothing is admitted.",
    "model_not_found": "There was no such model that the caller may use.",
    "model_not_ready": "No replica of the model was ready.",
    "queue_full": "The model's queue was full.",
    "replica_lost": "The replica that was answering died.",
    "scope_missing": "The API key lacks the scope for it.",
}
_AN_HOUR_S: Final = 3600


def explanation_of(row: Request) -> dict[str, Any]:
    """Return what decided over one request."""
    return {
        "id": row.id,
        "status": row.status,
        "explanation": list(_sentences(row)),
        "admission": _admission(row),
        "queue_ms": row.queue_ms,
        "ttft_ms": row.ttft_ms,
        "duration_ms": row.duration_ms,
        "overhead_ms": row.overhead_ms,
        "replica": row.replica,
        "attempts": row.attempts,
        "retries": max(0, row.attempts - 1),
        "finish_reason": row.finish_reason,
        "error_code": row.error_code,
        "charged": {
            "requests": row.charged_requests,
            "tokens": row.charged_tokens,
            "images": row.charged_images,
            "cost": cost_text(row.cost_nano),
        },
    }


def _admission(row: Request) -> dict[str, Any] | None:
    """Return what the limits said, or None where they were never asked."""
    if row.admission is None:
        return None
    refused_by = row.admission["refused_by"]
    return {
        "admitted": refused_by is None,
        "at": datetime.fromtimestamp(row.admission["at"] / 1000, UTC),
        "limits": row.admission["limits"],
        "refused_by": refused_by,
        "retry_after": row.admission["retry_after"],
    }


def _sentences(row: Request) -> Iterator[str]:
    yield _admitted(row)
    if row.queue_ms is not None:
        yield f"It waited {row.queue_ms:.0f} ms on {row.replica} until its prompt was read."
    elif row.replica:
        yield f"It was sent to {row.replica}, which had not begun with it when it ended."
    if row.attempts > 1:
        yield f"It was submitted {row.attempts} times: replicas before the last one failed it."
    yield from _ending(row)
    if row.charged_requests or row.charged_tokens or row.charged_images:
        yield f"{_charged(row)} were charged; they cost {cost_text(row.cost_nano)}."
    else:
        yield "Nothing was charged."


def _charged(row: Request) -> str:
    tokens = f"{row.charged_tokens:,} tokens"
    images = f"{row.charged_images:,} images"
    if not row.charged_images:
        return tokens
    return f"{tokens} and {images}" if row.charged_tokens else images


def _admitted(row: Request) -> str:
    said = row.admission or {"limits": [], "refused_by": None}
    limits, refused_by = said["limits"], said["refused_by"]
    if refused_by is not None:
        return _refused(limits[refused_by], said["retry_after"])
    if row.admission is None and row.status == Status.REFUSED:
        return "It was refused before any limit was looked at."
    if not limits:
        return "It was admitted: no limit applied."
    tightest = min(limits, key=_left)
    there_is = "1 limit applied" if len(limits) == 1 else f"{len(limits)} limits applied"
    return f"It was admitted: {there_is} and had room. Tightest was {_limit(tightest)}."


def _refused(limit: dict[str, Any], retry_after: float | None) -> str:
    wait = "" if retry_after is None else f" There was to be room after {_time(retry_after)}."
    return f"It was refused by {_limit(limit)}.{wait}"


def _limit(limit: dict[str, Any]) -> str:
    """Return a limit and how it stood: what it allows whom, and what was gone of it."""
    many = what_over(limit["resource"], limit["window"])
    of_model = f" of {limit['model']}" if limit["model"] else ""
    whom = limit["per"].replace("_", " and ")
    return (
        f"the limit of {_number(limit['limit'])} {many}{of_model} "
        f"per {whom}, set by {limit['source']}: {_number(limit['used'])} used, "
        f"{_number(limit['reserved'])} reserved, {_number(limit['wanted'])} wanted"
    )


def _left(limit: dict[str, Any]) -> float:
    """Return which part of a limit was left after the request, at most 1."""
    taken = limit["used"] + limit["reserved"] + limit["wanted"]
    return 1 - taken / limit["limit"] if limit["limit"] else 0.0


def _number(amount: float) -> str:
    """Return an amount as people write it: `1,000`, `0.000045`."""
    return f"{amount:,}" if isinstance(amount, int) else f"{amount:,.9f}".rstrip("0").rstrip(".")


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _AN_HOUR_S else f"{seconds / _AN_HOUR_S:.1f} h"


def _ending(row: Request) -> Iterator[str]:
    if row.error_code:
        yield _CODES.get(row.error_code, f"It ended with the error `{row.error_code}`.")
    elif row.finish_reason:
        yield _REASONS.get(row.finish_reason, f"It ended for the reason `{row.finish_reason}`.")
