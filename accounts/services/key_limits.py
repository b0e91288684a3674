"""The limits of one key, written as a whole."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import ApiKey, Limit
from accounts.services.limits import limit_delete, limit_write


@transaction.atomic
def key_limits_replace(*, key: ApiKey, limits: Sequence[Limit]) -> None:
    """Let `limits` be the key's limits, and no others.

    Raises IntegrityError where two of them, or one that came between, count the same.
    """
    stored = {limit.counter: limit for limit in Limit.objects.filter(api_key=key)}
    for counter in stored.keys() - {limit.counter for limit in limits}:
        limit_delete(limit=stored.pop(counter))
    for limit in limits:
        known = stored.pop(limit.counter, None)
        if known is None:
            limit_write(limit=_of(key, limit))
        elif known.amount != limit.amount:
            known.amount = limit.amount
            limit_write(limit=known)


def _of(key: ApiKey, limit: Limit) -> Limit:
    return Limit(
        api_key=key,
        per=limit.per,
        model_name=limit.model_name,
        resource=limit.resource,
        window=limit.window,
        amount=limit.amount,
    )
