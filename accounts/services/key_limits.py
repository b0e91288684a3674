"""The limits of one key, written as a whole."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import ApiKey, Limit


@transaction.atomic
def key_limits_replace(*, key: ApiKey, limits: Sequence[Limit]) -> None:
    """Let `limits` be the key's limits, and no others.

    Raises IntegrityError where two of them, or one that came between, count the same.
    """
    Limit.objects.filter(api_key=key).delete()
    Limit.objects.bulk_create(_of(key, limit) for limit in limits)


def _of(key: ApiKey, limit: Limit) -> Limit:
    return Limit(
        api_key=key,
        per=limit.per,
        model_name=limit.model_name,
        resource=limit.resource,
        window=limit.window,
        amount=limit.amount,
    )
