"""What nobody does but time: keys that end soon, limits that are used up."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.utils import timezone

from accounts.limit_rules import LimitRule, rules_of
from accounts.models import ApiKey, Limit, User
from accounts.selectors import principal_of_user
from inference.gateway.limits.counters import shown
from inference.gateway.limits.peek import LimitState, limits_peek_blocking
from inference.gateway.limits.windows import WINDOWS
from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.selectors import subscribers
from inference.jobs.webhooks.services.events import webhook_emit

EXPIRY_NOTICE: Final = timedelta(days=7)
THRESHOLDS: Final = (100, 80)  # percent, the highest first
# Over shorter ones a limit is there to be reached.
_TOLD_WINDOWS: Final = ("hour", "day", "month", "total")


def keys_expiring_tell() -> int:
    """Tell of every key that ends within EXPIRY_NOTICE, once; return how many were told of."""
    soon = ApiKey.objects.active().filter(
        expires_at__lte=timezone.now() + EXPIRY_NOTICE,
        user__in=subscribers(event_types.KEY_EXPIRING),
    )
    return sum(map(_tell_of_key, soon))


def quotas_tell() -> int:
    """Tell of limits that are used to a threshold, once a window; return how many were told of.

    Raises ApiError where the limits cannot be read.
    """
    users = User.objects.filter(id__in=subscribers(event_types.QUOTA_THRESHOLD))
    found = (_tell_of_limit(user, *one) for user in users for one in _states(user))
    return sum(found)


def _tell_of_key(key: ApiKey) -> bool:
    assert key.expires_at is not None
    end = key.expires_at.isoformat()
    data = {"key_id": key.id, "name": key.name, "prefix": key.public_id, "expires_at": end}
    # With the moment in it: a key that was prolonged ends once more.
    once = f"{event_types.KEY_EXPIRING} {key.id} {end}"
    return webhook_emit(key.user_id, event_types.KEY_EXPIRING, data, once=once) > 0


def _states(user: User) -> Iterator[tuple[int | None, LimitState]]:
    """Yield the limits of the user, and those that count a key of theirs."""
    person = principal_of_user(user)
    for state in limits_peek_blocking(person):
        if not state.subject.startswith("model:"):  # it counts what everybody uses
            yield None, state
    for key_id in _limited_keys(user):
        key = replace(person, key_id=key_id, rules=_key_rules(user, key_id))
        yield from ((key_id, state) for state in limits_peek_blocking(key))


def _limited_keys(user: User) -> list[int]:
    """Return the user's keys that something counts each by itself."""
    keys = ApiKey.objects.active().filter(user=user)
    if any(rule.per.startswith("key") for rule in rules_of(user, None)):
        return list(keys.values_list("id", flat=True))
    own = Limit.objects.filter(api_key__in=keys)
    return sorted(set(own.values_list("api_key_id", flat=True)))


def _key_rules(user: User, key_id: int) -> tuple[LimitRule, ...]:
    return tuple(rule for rule in rules_of(user, key_id) if rule.per.startswith("key"))


def _tell_of_limit(user: User, key_id: int | None, state: LimitState) -> bool:
    rule = state.rule
    percent = _threshold(state)
    if percent is None or rule.window not in _TOLD_WINDOWS:
        return False
    length = WINDOWS[rule.window].length
    window = int(time.time() * 1000) // length if length else 0
    once = f"{event_types.QUOTA_THRESHOLD} {state.subject} {rule.counter} {percent} {window}"
    data = {
        "resource": rule.resource,
        "window": rule.window,
        "model": rule.model_name or None,
        "key_id": key_id,
        "source": rule.source,
        "percent": percent,
        "limit": shown(rule.resource, rule.amount),
        "used": shown(rule.resource, state.used),
    }
    return webhook_emit(user.pk, event_types.QUOTA_THRESHOLD, data, once=once[:200]) > 0


def _threshold(state: LimitState) -> int | None:
    reached = (one for one in THRESHOLDS if state.used * 100 >= one * state.rule.amount)
    return next(reached, None) if state.rule.amount else None
