"""Having a worker see at once to what a batch needs next."""

from typing import Final

import structlog
from kombu.exceptions import OperationalError

from aiplatform.celery import app

log = structlog.get_logger("inference.jobs")

ADVANCE: Final = "inference.jobs.advance_batches"
_FORGOTTEN_AFTER_S: Final = 60  # a worker that comes back finds one look enough


def batches_wake() -> None:
    """Have a worker look at the batches. If it cannot be told, the next periodic look does."""
    try:
        app.send_task(ADVANCE, expires=_FORGOTTEN_AFTER_S, retry=False)
    except OperationalError as error:
        log.warning("worker_not_woken", reason=type(error).__name__)
