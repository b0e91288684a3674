"""What the rest of the platform says happened, told as events."""

from typing import Any

from inference.jobs.events import on_job_ended
from inference.jobs.models import Job, Status
from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.services.events import webhook_emit

_TOLD = {
    Status.COMPLETED: event_types.JOB_COMPLETED,
    Status.FAILED: event_types.JOB_FAILED,
}


@on_job_ended
def job_told(job: Job) -> None:
    """Tell of a job that is completed or has failed; whoever cancels one knows."""
    event_type = _TOLD.get(Status(job.status))
    if event_type:
        webhook_emit(job.user_id, event_type, _described(job), once=f"{event_type} {job.id}")


def _described(job: Job) -> dict[str, Any]:
    """Return what tells which job it is; what it says is read where it is asked for."""
    return {
        "task_id": str(job.id),
        "status": job.status,
        "kind": job.kind,
        "model": job.model_name,
        "created_at": job.created_at.isoformat(),
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
        "prompt_tokens": job.prompt_tokens,
        "completion_tokens": job.completion_tokens,
        "url": f"/api/v1/tasks/{job.id}",
    }
