"""What came beside a job's body: a file, kept from the submission until the job has ended."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from aiplatform.errors import ApiError
from inference.jobs.files.services import file_delete, file_upload
from inference.jobs.models import File, Job, Purpose

# A job that is never begun ends at its deadline, and its file with it. Should nobody see to that,
# the clean-up of files does.
_AFTER_DEADLINE: Final = timedelta(days=1)


def input_keep(*, user_id: int, content: bytes) -> File:
    """Keep what came with a job; it counts among the user's files. Raises ApiError."""
    kept = timedelta(hours=settings.JOB_DEADLINE_HOURS) + _AFTER_DEADLINE
    return file_upload(
        user_id=user_id,
        purpose=Purpose.JOB_INPUT,
        upload=SimpleUploadedFile("input", content),
        keep_s=int(kept.total_seconds()),
    )


def input_read(job: Job) -> bytes:
    """Return what came with the job. Raises ApiError where it cannot be read here."""
    assert job.input_id is not None
    try:
        return File(id=job.input_id).path.read_bytes()
    except OSError as error:
        detail = "The job's file cannot be read by this worker: FILES_DIR must be shared by all."
        raise ApiError(503, "file_unavailable", detail, retry_after=5) from error


def input_drop(job: Job) -> None:
    """Delete what came with the job, which does not name it any more."""
    if job.input_id:
        file_delete(file=File(id=job.input_id, user_id=job.user_id))
