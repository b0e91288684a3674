"""What others do when a job has ended."""

from collections.abc import Callable
from typing import Final

import structlog
from django.db import transaction

from inference.jobs.models import Job

log = structlog.get_logger("inference.jobs")

Hook = Callable[[Job], None]
_hooks: Final[list[Hook]] = []


def on_job_ended(hook: Hook) -> Hook:
    """Call `hook` with every job that ends, in the transaction that ends it: it writes rows at most
    and leaves the rest to a task.
    """
    _hooks.append(hook)
    return hook


def job_ended(job: Job) -> None:
    """Tell everybody who wants to know. Called inside the transaction."""
    for hook in _hooks:
        try:
            with transaction.atomic():
                hook(job)
        except Exception:  # its fault must not keep the job from ending
            log.exception("job_hook_failed", job=str(job.id), hook=hook.__qualname__)
