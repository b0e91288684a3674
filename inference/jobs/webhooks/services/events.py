"""Writes of events: what happened, and a delivery of it to each endpoint that asked for it."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.models import Delivery, Endpoint, Event
from inference.jobs.webhooks.wake import deliver_soon

MAX_DATA_BYTES: Final = 16 * 1024  # the specification asks for less than 20 kB in all
CHUNK_ROWS: Final = 1000


@transaction.atomic
def webhook_emit(
    user_id: int, event_type: str, data: dict[str, Any], *, once: str | None = None
) -> int:
    """Tell the user's endpoints that `event_type` happened; return how many will be told.

    Written in the caller's transaction and sent after it. With `once`, a text that names what
    happened, a second call for the same is none. Raises ValueError for a type that does not exist
    and for `data` of more than MAX_DATA_BYTES as JSON.
    """
    if event_type not in event_types.ALL:
        raise ValueError(f"unknown event type {event_type!r}")
    enabled = Endpoint.objects.filter(user=user_id, user__is_active=True, enabled=True)
    subscribed = [one for one in enabled if event_type in one.events]
    if not subscribed:
        return 0
    event = _event_new(user_id, event_type, data, once)
    if event is None:
        return 0
    _deliver(event, subscribed)
    return len(subscribed)


@transaction.atomic
def webhook_test(*, endpoint: Endpoint) -> Delivery:
    """Send the endpoint an event that means nothing, whatever it is subscribed to."""
    data = {"message": "This event was sent to test the endpoint."}
    event = Event.objects.create(user_id=endpoint.user_id, type=event_types.TEST, data=data)
    (delivery,) = _deliver(event, [endpoint])
    return delivery


def events_purge() -> int:
    """Delete events older than WEBHOOKS_LOG_DAYS with their deliveries; return how many events.

    In chunks by id, each its own transaction, so that nobody else waits for long.
    """
    end = timezone.now() - timedelta(days=settings.WEBHOOKS_LOG_DAYS)
    outdated = Event.objects.filter(created_at__lt=end).order_by("created_at")
    deleted = 0
    while ids := list(outdated.values_list("id", flat=True)[:CHUNK_ROWS]):
        with transaction.atomic():
            deliveries = Delivery.objects.filter(event_id__in=ids)
            deliveries._raw_delete(deliveries.db)
            events = Event.objects.filter(id__in=ids)
            deleted += events._raw_delete(events.db)
    return deleted


def _event_new(
    user_id: int, event_type: str, data: dict[str, Any], once: str | None
) -> Event | None:
    if len(json.dumps(data)) > MAX_DATA_BYTES:
        raise ValueError(f"the data of {event_type} has more than {MAX_DATA_BYTES} bytes")
    event = Event(user_id=user_id, type=event_type, data=data, once=once)
    # Ignoring the conflict instead of catching it leaves the caller's transaction usable.
    Event.objects.bulk_create([event], ignore_conflicts=True)
    return event if Event.objects.filter(id=event.id).exists() else None


def _deliver(event: Event, endpoints: Iterable[Endpoint]) -> list[Delivery]:
    made = Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, event=event) for endpoint in endpoints
    )
    deliver_soon()
    return made
