"""What others do when a job or a batch has ended."""

from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from django.db import transaction

from inference.jobs.models import Batch, Job

T = TypeVar("T")
log = structlog.get_logger("inference.jobs")

Hook = Callable[[Job], None]
BatchHook = Callable[[Batch], None]
_hooks: Final[list[Hook]] = []
_batch_hooks: Final[list[BatchHook]] = []


def on_job_ended(hook: Hook) -> Hook:
    """Call `hook` with every job that ends, in the transaction that ends it: it writes rows at most
    and leaves the rest to a task. Lines of batches are not told of.
    """
    _hooks.append(hook)
    return hook


def on_batch_ended(hook: BatchHook) -> BatchHook:
    """The same with every batch that ends."""
    _batch_hooks.append(hook)
    return hook


def job_ended(job: Job) -> None:
    """Tell everybody who wants to know. Called inside the transaction."""
    for hook in _hooks:
        _call(hook, job)


def batch_ended(batch: Batch) -> None:
    """The same of a batch."""
    for hook in _batch_hooks:
        _call(hook, batch)


def _call(hook: Callable[[T], None], ended: T) -> None:
    try:
        with transaction.atomic():
            hook(ended)
    except Exception:  # its fault must not keep anything from ending
        log.exception("hook_failed", ended=str(ended), hook=hook.__qualname__)
