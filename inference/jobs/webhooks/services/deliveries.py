"""Writes of deliveries: claimed, finished, sent anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from inference.jobs.webhooks.models import Delivery, DeliveryStatus, Endpoint
from inference.jobs.webhooks.schedule import wait_after
from inference.jobs.webhooks.selectors import deliveries_due, users_due
from inference.jobs.webhooks.sending import Outcome
from inference.jobs.webhooks.services.endpoints import endpoint_disable
from inference.jobs.webhooks.wake import deliver_soon

PER_USER: Final = 8  # deliveries of one user under way: slow receivers hold up their owner alone
GONE: Final = 410


class DeliveryNotOver(Exception):
    """It is still being tried, or its endpoint takes nothing. The message says which."""


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this process attempts, and nobody else until the lease is over."""

    delivery: Delivery  # with its endpoint and event
    attempt: int  # its number, which every later write of this attempt names


def deliveries_claim(*, room: int, under_way: Mapping[int, int]) -> list[ClaimedDelivery]:
    """Claim at most `room` deliveries that are due; `under_way`: how many of each user's are."""
    full = [user for user, count in under_way.items() if count >= PER_USER]
    claimed: list[ClaimedDelivery] = []
    for user_id in users_due(but=full, most=room):
        most = min(PER_USER - under_way.get(user_id, 0), room - len(claimed))
        found = map(_claim, deliveries_due(user_id, most=most))
        claimed += [one for one in found if one is not None]
    return claimed


def delivery_finish(claimed: ClaimedDelivery, outcome: Outcome) -> None:
    """Write how the attempt went, and when the next one is due, if any.

    Writes nothing where the lease was over and somebody else attempts it now.
    """
    delivery, now = claimed.delivery, timezone.now()
    wait = wait_after(claimed.attempt - delivery.attempts_before)
    status = DeliveryStatus.PENDING if wait else DeliveryStatus.FAILED
    if outcome.is_success:
        status = DeliveryStatus.DELIVERED
    mine = Delivery.objects.filter(
        id=delivery.id, status=DeliveryStatus.PENDING, attempts=claimed.attempt
    )
    written = mine.update(
        status=status,
        next_attempt_at=now + wait if wait and status == DeliveryStatus.PENDING else None,
        response_code=outcome.status,
        duration_ms=outcome.duration_ms,
        error=outcome.error,
        # PostgreSQL takes no NUL in a text.
        answer=outcome.answer.decode(errors="replace").replace("\0", "\ufffd"),
    )
    if written == 1:
        _judge(delivery.endpoint_id, outcome, now)


@transaction.atomic
def delivery_redeliver(*, delivery: Delivery) -> None:
    """Send a delivery that is over once more, with the same id and all its retries.

    Raises DeliveryNotOver.
    """
    if not Endpoint.objects.filter(id=delivery.endpoint_id, enabled=True).exists():
        raise DeliveryNotOver("The endpoint is disabled. Enable it first.")
    over = Delivery.objects.filter(id=delivery.id).exclude(status=DeliveryStatus.PENDING)
    renewed = over.update(
        status=DeliveryStatus.PENDING,
        attempts_before=F("attempts"),
        next_attempt_at=timezone.now(),
    )
    if renewed != 1:
        raise DeliveryNotOver("It is still being tried, and needs no second delivery.")
    deliver_soon()


def _claim(delivery: Delivery) -> ClaimedDelivery | None:
    now = timezone.now()
    as_read = Delivery.objects.filter(
        id=delivery.id, status=DeliveryStatus.PENDING, attempts=delivery.attempts
    )
    attempt = delivery.attempts + 1
    claimed = as_read.update(
        attempts=attempt, attempted_at=now, next_attempt_at=now + Delivery.LEASE
    )
    return ClaimedDelivery(delivery, attempt) if claimed == 1 else None


def _judge(endpoint_id: int, outcome: Outcome, now: datetime) -> None:
    """Note that an endpoint fails, or no longer does; disable one that has for days."""
    endpoint = Endpoint.objects.filter(id=endpoint_id)
    if outcome.is_success:
        endpoint.exclude(failing_since=None).update(failing_since=None)
        return
    endpoint.filter(failing_since=None).update(failing_since=now)
    if outcome.status == GONE:  # the specification: it wants no more
        endpoint_disable(endpoint_id=endpoint_id, reason="gone")
        return
    long_ago = now - timedelta(days=settings.WEBHOOKS_DISABLE_AFTER_DAYS)
    if endpoint.filter(failing_since__lte=long_ago).exists():
        endpoint_disable(endpoint_id=endpoint_id, reason="failing")
