"""The Celery application: work that no request waits for. Prefork only, and never with torch."""

import os
import warnings
from typing import Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiplatform.settings")

from celery import Celery, signals
from celery.beat import EmbeddedService
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]  # its stubs lack it
from celery.schedules import crontab
from django.conf import settings

from aiplatform import logging
from aiplatform.store import TIMEOUT_S
from aiplatform.supervisor.parent_death import die_with_parent

HARD_LIMIT_S: Final = 3600
BEAT_LOOK_EVERY_S: Final = 1.0
# Leases of dead workers end at any moment, and so do the waits of jobs that were refused.
_RECOVER_EVERY_S: Final = max(1.0, settings.LEASE_TTL_S / 5)

# It warns of pickled messages to a worker that runs as root, as in containers; none is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("aiplatform")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    # Above the hard limit plus the longest wait: whatever is unacknowledged for longer than this is
    # delivered a second time.
    broker_transport_options={
        "visibility_timeout": 4 * HARD_LIMIT_S,
        # Who sends a task learns at once that the broker is away; kombu would try for 4 s. Workers
        # and beat come back by policies of their own.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "socket_connect_timeout": TIMEOUT_S,
        "interval_max": 0,
    },
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,  # the job's row is the result
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=HARD_LIMIT_S,
    task_soft_time_limit=HARD_LIMIT_S - 60,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=settings.SHUTDOWN_GRACE_S,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_schedule={
        "purge-history": {"task": "inference.jobs.purge_history", "schedule": crontab("17", "3")},
        # A message that waited longer than until the next one is due is of no use.
        "recover-jobs": {
            "task": "inference.jobs.recover",
            "schedule": _RECOVER_EVERY_S,
            "options": {"expires": _RECOVER_EVERY_S},
        },
        "purge-jobs": {"task": "inference.jobs.purge_jobs", "schedule": crontab("27", "3")},
        "purge-files": {"task": "inference.jobs.purge_files", "schedule": crontab("57")},
        "flush-tokens": {"task": "inference.jobs.flush_tokens", "schedule": crontab("47", "3")},
        "check-counters": {"task": "inference.jobs.check_counters", "schedule": crontab("*/10")},
        "deliver-webhooks": {
            "task": "inference.jobs.webhooks.deliver",
            "schedule": 5,  # seconds: the first retry comes that late
            "options": {"expires": 5},
        },
        "tell-expiring-keys": {
            "task": "inference.jobs.webhooks.tell_expiring_keys",
            "schedule": crontab("27"),
        },
        "tell-quotas": {
            "task": "inference.jobs.webhooks.tell_quotas",
            "schedule": crontab("3-59/5"),
        },
        "purge-webhook-events": {
            "task": "inference.jobs.webhooks.purge_events",
            "schedule": crontab("37", "3"),
        },
        "purge-idempotency-records": {
            "task": "inference.jobs.purge_idempotency_records",
            "schedule": crontab("7"),  # hourly: answers are large, and kept for hours
        },
    },
)
app.autodiscover_tasks(["inference.jobs", "inference.jobs.webhooks"])


@signals.setup_logging.connect
def _log_as_django_does(**_: Any) -> None:
    logging.configure(settings.LOGGING)


@signals.worker_init.connect
def _note_worker(**_: Any) -> None:
    """Have pool and beat processes, which Celery forks itself, die with this one."""
    worker = os.getpid()
    signals.worker_process_init.connect(lambda **_: die_with_parent(worker), weak=False)
    signals.beat_embedded_init.connect(lambda **_: die_with_parent(worker), weak=False)


@signals.worker_ready.connect
def _keep_beat_alive(sender: Any, **_: Any) -> None:
    """Have the scheduler started anew when it dies; Celery does so for its pool alone."""
    worker = sender.controller
    if worker.beat is not None:
        sender.timer.call_repeatedly(BEAT_LOOK_EVERY_S, _revive_beat, (worker,))


def _revive_beat(worker: Any) -> None:
    if not worker.beat.is_alive():
        worker.beat = EmbeddedService(
            worker.app, schedule_filename=worker.schedule_filename, scheduler_cls=worker.scheduler
        )
        worker.beat.start()
