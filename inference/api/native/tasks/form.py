"""How a job is written."""

from typing import Any

import msgspec

from inference.jobs.failure import failure_read
from inference.jobs.models import Job, Status
from inference.jobs.progress import Progress
from inference.jobs.selectors import estimated_start_s, queue_position


def row_form(job: Job) -> dict[str, Any]:
    """Return the job without what was answered, for lists."""
    error = failure_read(job.error)
    failed = job.status == Status.FAILED
    return {
        "task_id": str(job.id),
        "kind": job.kind,
        "model": job.model_name,
        "status": job.status,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "deadline_at": job.deadline_at,
        "attempts": job.attempts,
        "request_id": job.request_id and str(job.request_id),
        "usage": _usage(job),
        "error": error if failed else None,
        "waiting_for": None if failed else error,
    }


def task_form(job: Job, progress: Progress) -> dict[str, Any]:
    """Return the job, with what was answered or how far it is. Asks the database for its place."""
    done = job.status == Status.COMPLETED
    return {
        **row_form(job),
        "progress": None if job.has_ended else _progress(job, progress),
        "result": msgspec.json.decode(job.result) if done else None,
    }


def _progress(job: Job, progress: Progress) -> dict[str, Any]:
    position = queue_position(job) if job.status == Status.QUEUED else None
    return {
        "tokens": progress.tokens,
        "text": progress.text,
        "queue_position": position,
        "estimated_start_s": None if position is None else estimated_start_s(job, position),
    }


def _usage(job: Job) -> dict[str, int] | None:
    prompt, completion = job.prompt_tokens, job.completion_tokens
    if prompt is None or completion is None:
        return None
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **({"images": job.images} if job.images else {}),
    }
