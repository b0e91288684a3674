"""What the worker does. Tasks only call; the work is in the modules beside this one."""

import asyncio

import structlog
from celery import shared_task
from django.utils import timezone

from accounts.tokens import tokens_flush_expired
from aiplatform.idempotency.records import records_purge
from inference.gateway.limits.rebuilding import drift_find
from inference.jobs.history import history_purge

log = structlog.get_logger("inference.jobs")


@shared_task(name="inference.jobs.purge_history")
def purge_history() -> None:
    """Delete what is older than HISTORY_RETENTION_DAYS."""
    log.info("history purged", rows=history_purge())


@shared_task(name="inference.jobs.check_counters")
def check_counters() -> None:
    """Report counters of the limits that do not hold what the history says."""
    drifts = asyncio.run(drift_find())
    for drift in drifts:
        log.error("counter adrift", **drift._asdict())


@shared_task(name="inference.jobs.flush_tokens")
def flush_tokens() -> None:
    """Forget refresh tokens that have expired."""
    log.info("expired tokens flushed", rows=tokens_flush_expired())


@shared_task(name="inference.jobs.purge_idempotency_records")
def purge_idempotency_records() -> None:
    """Delete the answers to Idempotency-Keys whose time is over."""
    log.info("idempotency records purged", rows=records_purge(before=timezone.now()))
