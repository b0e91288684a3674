"""An event as it is sent."""

import json

from django.utils import timezone

from inference.jobs.webhooks.models import Delivery, Endpoint
from inference.jobs.webhooks.seal import SecretUnreadable, opened
from inference.jobs.webhooks.sending import Outcome, send
from inference.jobs.webhooks.signing import signed_headers
from inference.jobs.webhooks.target import UrlRefused, target_of


async def attempt(delivery: Delivery) -> Outcome:
    """Sign the event, send it to its endpoint and return how it went."""
    try:
        # Judged anew: what was allowed when it was named may not be any more.
        target = target_of(delivery.endpoint.url)
        secrets = _secrets(delivery.endpoint)
    except UrlRefused:
        return Outcome(error="address_refused")
    except SecretUnreadable:
        return Outcome(error="secret_unreadable")
    body = message_body(delivery)
    moment = int(timezone.now().timestamp())
    headers = signed_headers(delivery.event.message_id, moment, body, secrets)
    return await send(target, headers, body)


def message_body(delivery: Delivery) -> bytes:
    """Return the payload in the shape that the specification suggests."""
    event = delivery.event
    payload = {
        "type": event.type,
        "timestamp": event.created_at.isoformat(),
        "data": event.data,
    }
    return json.dumps(payload, ensure_ascii=False).encode()


def _secrets(endpoint: Endpoint) -> list[bytes]:
    """Return those that sign now, the newest first."""
    kept = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until:
        kept += [endpoint.old_secret] if endpoint.old_secret_until > timezone.now() else []
    return [opened(bytes(one), user_id=endpoint.user_id) for one in kept]
