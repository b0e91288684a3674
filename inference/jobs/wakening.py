"""How workers learn that there is something to do."""

from typing import Final

import structlog
from kombu.exceptions import OperationalError

from aiplatform.celery import app

log = structlog.get_logger("inference.jobs")

WORK: Final = "inference.jobs.work"


def worker_wake() -> None:
    """Have a worker look at the queue. If it cannot be told, the next periodic look finds it."""
    try:
        app.send_task(WORK, retry=False)
    except OperationalError as error:
        log.warning("worker_not_woken", reason=type(error).__name__)
