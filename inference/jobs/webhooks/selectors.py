"""Reads of webhooks."""

from collections.abc import Collection

from django.db.models import Min, QuerySet
from django.utils import timezone

from inference.jobs.webhooks.models import Delivery, DeliveryStatus, Endpoint


def endpoints_of(user_id: int) -> QuerySet[Endpoint]:
    """Return the user's endpoints, newest first."""
    return Endpoint.objects.filter(user=user_id)


def deliveries_of(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Return the endpoint's deliveries with their events."""
    return Delivery.objects.filter(endpoint=endpoint).select_related("event")


def subscribers(event_type: str) -> list[int]:
    """Return the ids of the users who asked to be told of `event_type`."""
    enabled = Endpoint.objects.filter(enabled=True, user__is_active=True)
    rows = enabled.values_list("user_id", "events").iterator()
    return sorted({user_id for user_id, events in rows if event_type in events})


def users_due(*, but: Collection[int], most: int) -> list[int]:
    """Return the users who have deliveries due, who has waited longest first."""
    users = _due().exclude(endpoint__user__in=but).values("endpoint__user")
    waiting = users.annotate(since=Min("next_attempt_at")).order_by("since")
    return [row["endpoint__user"] for row in waiting[:most]]


def deliveries_due(user_id: int, *, most: int) -> list[Delivery]:
    """Return at most so many of a user's deliveries that are due, with all that sending needs."""
    rows = _due().filter(endpoint__user=user_id).select_related("endpoint", "event")
    return list(rows.order_by("next_attempt_at", "id")[:most])


def _due() -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        status=DeliveryStatus.PENDING, next_attempt_at__lte=timezone.now()
    )
