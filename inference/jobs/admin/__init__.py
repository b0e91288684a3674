"""Jobs, batches, files and periodic tasks in the admin."""

from inference.jobs.admin.batch import BatchAdmin
from inference.jobs.admin.file import FileAdmin
from inference.jobs.admin.job import JobAdmin
from inference.jobs.admin.periodic_task import PeriodicTaskAdmin

__all__ = ["BatchAdmin", "FileAdmin", "JobAdmin", "PeriodicTaskAdmin"]
