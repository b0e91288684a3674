"""Why a job failed or waits, as its row keeps it."""

from typing import Any

import msgspec

from aiplatform.errors import ApiError, problem


def failure_text(error: ApiError, request_id: object) -> str:
    """Return the error as the native doors answer with it, as JSON."""
    body = problem(error, str(request_id))
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return msgspec.json.encode(body).decode()


def failure_read(text: str) -> dict[str, Any] | None:
    """Return what `failure_text` wrote."""
    return msgspec.json.decode(text) if text else None


def workers_died(times: int) -> ApiError:
    detail = f"The worker died {times} times while it worked on this job. It is not tried again."
    return ApiError(500, "worker_lost", detail)


def not_begun() -> ApiError:
    detail = "The job could not be begun before its deadline (JOB_DEADLINE_HOURS)."
    return ApiError(504, "job_deadline_passed", detail)
