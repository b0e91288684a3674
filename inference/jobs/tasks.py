"""What the worker does. Tasks only call; the work is in the modules beside this one."""

import structlog
from celery import shared_task

from inference.jobs.history import history_purge

log = structlog.get_logger("inference.jobs")


@shared_task(name="inference.jobs.purge_history")
def purge_history() -> None:
    """Delete what is older than HISTORY_RETENTION_DAYS."""
    log.info("history purged", rows=history_purge())
