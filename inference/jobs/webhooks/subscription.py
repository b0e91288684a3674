"""What the rest of the platform says happened, told as events."""

from typing import Any

from inference.jobs.events import on_batch_ended, on_job_ended
from inference.jobs.models import Batch, BatchStatus, Job, Status
from inference.jobs.public_ids import public_id
from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.services.events import webhook_emit

_TOLD = {
    Status.COMPLETED: event_types.JOB_COMPLETED,
    Status.FAILED: event_types.JOB_FAILED,
}
_BATCH_TOLD = {
    BatchStatus.COMPLETED: event_types.BATCH_COMPLETED,
    BatchStatus.FAILED: event_types.BATCH_FAILED,
    BatchStatus.CANCELLED: event_types.BATCH_CANCELLED,
    BatchStatus.EXPIRED: event_types.BATCH_EXPIRED,
}


@on_job_ended
def job_told(job: Job) -> None:
    """Tell of a job that is completed or has failed; whoever cancels one knows."""
    event_type = _TOLD.get(Status(job.status))
    if event_type:
        webhook_emit(job.user_id, event_type, _described(job), once=f"{event_type} {job.id}")


@on_batch_ended
def batch_told(batch: Batch) -> None:
    """Tell of a batch however it ended. One that is tried again ends once more."""
    event_type = _BATCH_TOLD[BatchStatus(batch.status)]
    once = f"{event_type} {batch.id} {batch.ended_at}"
    webhook_emit(batch.user_id, event_type, _batch_described(batch), once=once)


def _batch_described(batch: Batch) -> dict[str, Any]:
    output, errors = batch.output_file_id, batch.error_file_id
    return {
        "batch_id": batch.public_id,
        "status": batch.status,
        "endpoint": batch.endpoint,
        "created_at": batch.created_at.isoformat(),
        "ended_at": batch.ended_at.isoformat() if batch.ended_at else None,
        "output_file_id": output and public_id("file-", output),
        "error_file_id": errors and public_id("file-", errors),
        "request_counts": {
            "total": batch.total,
            "completed": batch.completed,
            "failed": batch.failed,
        },
        "url": f"/v1/batches/{batch.public_id}",
    }


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
        "images": job.images,
        "url": f"/api/v1/tasks/{job.id}",
    }
