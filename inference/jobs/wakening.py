"""How workers learn that there is something to do."""

from typing import Final

import structlog
from kombu.exceptions import OperationalError

from aiplatform.celery import app

log = structlog.get_logger("inference.jobs")

WORK: Final = "inference.jobs.work"
# Of Redis' steps (0, 3, 6, 9) not the first: shifts are long and asked for with every job, and what
# is short and periodic must not wait behind all of them.
_PRIORITY: Final = 3


def worker_wake() -> None:
    """Have a worker look at the queue. If it cannot be told, the next periodic look finds it."""
    try:
        app.send_task(WORK, retry=False, priority=_PRIORITY)
    except OperationalError as error:
        log.warning("worker_not_woken", reason=type(error).__name__)
