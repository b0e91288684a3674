"""Having the worker look at once at what was just written."""

from typing import Final

from django.db import transaction

from aiplatform.celery import app

TASK: Final = "inference.jobs.webhooks.deliver"
_FORGOTTEN_AFTER_S: Final = 60  # a worker that comes back finds one look enough


def deliver_soon() -> None:
    """Send what is due once the transaction is committed.

    The rows are what counts: without a broker they wait for the next periodic look.
    """
    transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    app.send_task(TASK, expires=_FORGOTTEN_AFTER_S, retry=False)
