"""What the worker does. Tasks only call; the work is in the modules beside this one."""

import asyncio
from typing import Final

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.own_sessions import sessions_flush_expired
from accounts.tokens import tokens_flush_expired
from aiplatform.idempotency.records import records_purge
from inference.gateway.limits.rebuilding import drift_find
from inference.jobs.batches.advance import batches_advance, batches_are_ripe
from inference.jobs.batches.lines import lines_are_due
from inference.jobs.batches.services import batches_purge
from inference.jobs.batches.wakening import ADVANCE, batches_wake
from inference.jobs.event_loop import in_loop
from inference.jobs.files.services import files_purge
from inference.jobs.files.storage import orphans_remove
from inference.jobs.history import history_purge
from inference.jobs.recovery import jobs_expire, jobs_purge, jobs_reclaim
from inference.jobs.selectors import jobs_are_due
from inference.jobs.shift import LENGTH_S, Shift
from inference.jobs.wakening import WORK, worker_wake

log = structlog.get_logger("inference.jobs")

_LONGEST_SHIFT_S: Final = int(LENGTH_S) + settings.REQUEST_TIMEOUT_S + 60


@shared_task(name=WORK, soft_time_limit=_LONGEST_SHIFT_S, time_limit=_LONGEST_SHIFT_S + 30)
def work() -> None:
    """Work on jobs until none is due."""
    shift = Shift()
    in_loop(shift.work())
    if shift.is_over:
        worker_wake()  # it ended for its length: there may be more


@shared_task(name="inference.jobs.recover")
def recover() -> None:
    """Take back jobs whose worker died, give up those that are late, and see that the rest run."""
    if lost := jobs_reclaim():
        log.warning("jobs reclaimed", rows=lost)
    if late := jobs_expire():
        log.warning("jobs expired", rows=late)
    if batches_are_ripe():
        batches_wake()
    if jobs_are_due() or lines_are_due():
        worker_wake()


@shared_task(name=ADVANCE)
def advance_batches() -> None:
    """Check the files of batches, and write those of batches that are done."""
    batches_advance()


@shared_task(name="inference.jobs.purge_files")
def purge_files() -> str:
    """Delete files whose time is over, and contents that nobody names."""
    return _done("files purged", rows=files_purge(), orphans=orphans_remove())


@shared_task(name="inference.jobs.purge_jobs")
def purge_jobs() -> str:
    """Delete jobs and batches that ended longer ago than JOB_RETENTION_DAYS."""
    return _done("jobs purged", rows=jobs_purge(), batches=batches_purge())


@shared_task(name="inference.jobs.purge_history")
def purge_history() -> str:
    """Delete what is older than HISTORY_RETENTION_DAYS."""
    return _done("history purged", rows=history_purge())


@shared_task(name="inference.jobs.check_counters")
def check_counters() -> str:
    """Report counters of the limits that do not hold what the history says."""
    drifts = asyncio.run(drift_find())
    for drift in drifts:
        log.error("counter adrift", **drift._asdict())
    return f"adrift: {len(drifts)}"


@shared_task(name="inference.jobs.flush_tokens")
def flush_tokens() -> str:
    """Forget refresh tokens and sessions that have expired."""
    tokens, sessions = tokens_flush_expired(), sessions_flush_expired()
    return _done("expired tokens flushed", rows=tokens, sessions=sessions)


@shared_task(name="inference.jobs.purge_idempotency_records")
def purge_idempotency_records() -> str:
    """Delete the answers to Idempotency-Keys whose time is over."""
    return _done("idempotency records purged", rows=records_purge(before=timezone.now()))


def _done(what: str, **counts: int) -> str:
    """Log what was done and return it, as the admin shows it."""
    log.info(what, **counts)
    return ", ".join(f"{name}: {count}" for name, count in counts.items())
