"""Writing down how the tasks of the schedule went, for the admin to see."""

import time
from datetime import timedelta
from typing import Any, Final

import structlog
from celery import signals
from django.db import Error as DatabaseAway
from django.db.models import F
from django.utils import timezone

from aiplatform.celery import app
from inference.jobs.models import Outcome, PeriodicTask

log = structlog.get_logger("inference.jobs")

# What runs every few seconds and finds nothing to do is not written down each time.
_OFTEN: Final = timedelta(minutes=1)
_MAX_RESULT: Final = 500

_began: Final[dict[str, float]] = {}  # task id → monotonic seconds; one runs at a time in a process


@signals.task_prerun.connect
def _note_beginning(task_id: str, **_: Any) -> None:
    _began.clear()
    _began[task_id] = time.monotonic()


@signals.task_postrun.connect
def _note_end(task_id: str, task: Any, retval: Any, state: str, **_: Any) -> None:
    if task.name not in _scheduled():
        return
    seconds = time.monotonic() - _began.pop(task_id, time.monotonic())
    try:
        outcome_note(name=task.name, seconds=seconds, returned=retval, failed=state != "SUCCESS")
    except DatabaseAway as error:
        log.warning("outcome_not_noted", task=task.name, reason=type(error).__name__)


def outcome_note(*, name: str, seconds: float, returned: Any, failed: bool) -> None:
    """Keep how a run of the task went, in place of the run before."""
    # Of an error its kind alone: its text may quote what is secret. The log has it whole.
    result = type(returned).__name__ if failed else "" if returned is None else str(returned)
    outcome = Outcome.FAILED if failed else Outcome.DONE
    last = PeriodicTask.objects.filter(name=name)
    idle = last.filter(outcome=outcome, result=result, ended_at__gt=timezone.now() - _OFTEN)
    if not failed and idle.exists():
        return
    columns = {
        "outcome": outcome,
        "ended_at": timezone.now(),
        "duration_ms": seconds * 1000,
        "result": result[:_MAX_RESULT],
    }
    PeriodicTask.objects.update_or_create(
        name=name,
        defaults={**columns, "failures": F("failures") + 1 if failed else 0},
        create_defaults={**columns, "failures": int(failed)},
    )


def _scheduled() -> set[str]:
    return {entry["task"] for entry in app.conf.beat_schedule.values()}
