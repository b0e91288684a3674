"""What the worker does for webhooks. Tasks only call."""

import structlog
from celery import shared_task

from inference.jobs.webhooks.deliverer import deliver_due
from inference.jobs.webhooks.notices import keys_expiring_tell, quotas_tell
from inference.jobs.webhooks.services.events import events_purge
from inference.jobs.webhooks.wake import TASK

log = structlog.get_logger("inference.jobs.webhooks")


@shared_task(name=TASK)
def deliver() -> None:
    """Attempt every delivery that is due."""
    if attempts := deliver_due():
        log.info("webhooks delivered", attempts=attempts)


@shared_task(name="inference.jobs.webhooks.tell_expiring_keys")
def tell_expiring_keys() -> None:
    """Tell the owners of keys that end soon."""
    log.info("expiring keys told", keys=keys_expiring_tell())


@shared_task(name="inference.jobs.webhooks.tell_quotas")
def tell_quotas() -> None:
    """Tell those whose limits are nearly or wholly used."""
    log.info("quotas told", limits=quotas_tell())


@shared_task(name="inference.jobs.webhooks.purge_events")
def purge_events() -> None:
    """Delete what is older than WEBHOOKS_LOG_DAYS."""
    log.info("webhook events purged", rows=events_purge())
