"""Endpoints for the tests of what is sent to them."""

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.models import Delivery, Endpoint
from inference.jobs.webhooks.services import endpoint_create


def endpoint_of(user: User, url: str, **fields: Any) -> tuple[Endpoint, str]:
    """Return an endpoint that is told of everything, and its secret."""
    return endpoint_create(user_id=user.pk, url=url, **{"events": event_types.ALL, **fields})


def days_pass(days: float) -> None:
    """Have everything be so much longer ago."""
    span = timedelta(days=days)
    Endpoint.objects.exclude(failing_since=None).update(failing_since=F("failing_since") - span)
    Delivery.objects.exclude(next_attempt_at=None).update(
        next_attempt_at=F("next_attempt_at") - span
    )


def seconds_until_due(delivery: Delivery) -> float:
    """Return the wait that is left, as the row says now."""
    delivery.refresh_from_db()
    assert delivery.next_attempt_at is not None
    return (delivery.next_attempt_at - timezone.now()).total_seconds()
