"""Having the worker look at once at what was just written."""

from typing import Final

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError

from aiplatform.celery import app

log = structlog.get_logger("inference.jobs.webhooks")

TASK: Final = "inference.jobs.webhooks.deliver"
_FORGOTTEN_AFTER_S: Final = 60  # a worker that comes back finds one look enough


def deliver_soon() -> None:
    """Send what is due once the transaction is committed.

    The rows are what counts: without a broker they wait for the next periodic look.
    """
    transaction.on_commit(_wake)


def _wake() -> None:
    try:
        app.send_task(TASK, expires=_FORGOTTEN_AFTER_S, retry=False)
    except OperationalError as error:
        log.warning("worker_not_woken", reason=type(error).__name__)
