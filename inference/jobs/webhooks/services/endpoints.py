"""Writes of endpoints: made, changed, rotated, disabled and deleted, each with its audit event."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.audit import audit, audit_changed, audit_created
from accounts.audit_fields import recorded
from accounts.models import User
from inference.jobs.webhooks.models import Delivery, DeliveryStatus, Endpoint
from inference.jobs.webhooks.seal import sealed
from inference.jobs.webhooks.signing import new_secret, secret_text
from inference.jobs.webhooks.target import target_of

MAX_ENDPOINTS: Final = 20  # of one user
CHANGEABLE: Final = ("url", "events", "description", "enabled")


class TooManyEndpoints(Exception):
    """The user has as many endpoints as a user may have."""


class ConcurrentChange(Exception):
    """Somebody else changed or deleted the endpoint at the same moment. Nothing was written."""


@transaction.atomic
def endpoint_create(
    *, user_id: int, url: str, events: Iterable[str], description: str = "", enabled: bool = True
) -> tuple[Endpoint, str]:
    """Make an endpoint; return it and the text of its secret, which cannot be had again.

    Raises UrlRefused and TooManyEndpoints.
    """
    target = target_of(url)
    # Holds the user's row, so that of several that make the last endpoint at once one does.
    User.objects.filter(id=user_id).update(plan_id=F("plan_id"))
    if Endpoint.objects.filter(user=user_id).count() >= MAX_ENDPOINTS:
        raise TooManyEndpoints
    secret = new_secret()
    endpoint = Endpoint.objects.create(
        user_id=user_id,
        url=target.url,
        origin=target.origin,
        events=sorted(set(events)),
        description=description,
        enabled=enabled,
        secret=sealed(secret, user_id=user_id),
    )
    audit_created(endpoint)
    return endpoint, secret_text(secret)


@transaction.atomic
def endpoint_update(*, endpoint: Endpoint, fields: dict[str, Any]) -> None:
    """Change what is named. Raises UrlRefused and ConcurrentChange.

    Only these columns are written: other changes made meanwhile stand.
    """
    changes: dict[str, Any] = {name: fields[name] for name in CHANGEABLE if name in fields}
    if "url" in changes:
        target = target_of(changes["url"])
        changes |= {"url": target.url, "origin": target.origin}
    if "events" in changes:
        changes["events"] = sorted(set(changes["events"]))
    if "enabled" in changes and changes["enabled"] != endpoint.enabled:
        # What failed before is not held against an endpoint that is taken up again.
        changes |= {"disabled_reason": "", "failing_since": None}
    stored = Endpoint.objects.filter(id=endpoint.id).first()
    if stored is None or not changes:
        return
    if Endpoint.objects.filter(id=endpoint.id).update(**changes) != 1:
        raise ConcurrentChange
    if changes.get("enabled") is False:
        _end_pending(endpoint.id)
    _audit_change(stored, changes)


@transaction.atomic
def endpoint_rotate(*, endpoint: Endpoint, overlap: timedelta) -> str:
    """Give the endpoint a new secret and return its text, which cannot be had again.

    The one before it signs as well for `overlap`; one that was older does not any more. Of several
    that rotate an endpoint at once, one does; the others raise ConcurrentChange.
    """
    secret = new_secret()
    as_read = Endpoint.objects.filter(id=endpoint.id, rotations=endpoint.rotations)
    changed = as_read.update(
        secret=sealed(secret, user_id=endpoint.user_id),
        old_secret=F("secret") if overlap else None,
        old_secret_until=timezone.now() + overlap if overlap else None,
        rotations=F("rotations") + 1,
    )
    if changed != 1:
        raise ConcurrentChange
    audit("webhook.rotated", endpoint, before=None, after=None)
    return secret_text(secret)


@transaction.atomic
def endpoint_disable(*, endpoint_id: int, reason: str) -> bool:
    """Send nothing there any more; return whether it was this call that did it."""
    enabled = Endpoint.objects.filter(id=endpoint_id, enabled=True)
    if enabled.update(enabled=False, disabled_reason=reason) != 1:
        return False
    _end_pending(endpoint_id)
    endpoint = Endpoint.objects.get(id=endpoint_id)
    before = {"enabled": True, "disabled_reason": ""}
    audit("webhook.disabled", endpoint, before=before, after=recorded(endpoint, before))
    return True


def endpoint_delete(*, endpoint: Endpoint) -> None:
    """Delete an endpoint with all of its deliveries."""
    endpoint.delete()  # which the audit trail hears of


def _end_pending(endpoint_id: int) -> None:
    """Give up what is still to be sent: a week later nobody wants it all at once."""
    pending = Delivery.objects.filter(endpoint=endpoint_id, status=DeliveryStatus.PENDING)
    pending.update(status=DeliveryStatus.FAILED, error="endpoint_disabled", next_attempt_at=None)


def _audit_change(stored: Endpoint, changes: dict[str, Any]) -> None:
    after = Endpoint(**changes)
    told = {name for name in changes if name not in ("disabled_reason", "failing_since")}
    audit_changed(stored, recorded(stored, told), recorded(after, told))
    if changes.get("url", stored.url) != stored.url and after.origin == stored.origin:
        # A path may hold a secret: where it alone differs, all there is to tell is that it does.
        same = {"origin": stored.origin}
        audit("webhook.path_changed", stored, before=same, after=same)
