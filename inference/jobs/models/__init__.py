"""Jobs, batches of them, files, and how periodic tasks went."""

from inference.jobs.models.batch import Batch, BatchStatus
from inference.jobs.models.file import File, Purpose
from inference.jobs.models.job import ENDED, Job, Priority, Status
from inference.jobs.models.periodic_task import Outcome, PeriodicTask

__all__ = [
    "ENDED",
    "Batch",
    "BatchStatus",
    "File",
    "Job",
    "Outcome",
    "PeriodicTask",
    "Priority",
    "Purpose",
    "Status",
]
