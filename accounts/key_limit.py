"""A limit of a key, checked by itself, wherever it is set."""

from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError

from accounts.key_settings import LIMITED_PER
from accounts.models import Limit, Resource

# Small enough that counters, which count billionths of the currency, stay exact in the store.
MAX_AMOUNT: Final = 1_000_000_000_000
MAX_COST: Final = 1_000_000
PER_CHOICES: Final = [(per.value, per.label) for per in LIMITED_PER]


def key_limit(
    *, resource: str, window: str, amount: Decimal, per: str, model_name: str = ""
) -> Limit:
    """Return the limit, which belongs to no key yet. Raises ValidationError, naming the field."""
    if resource == Resource.COST and amount > MAX_COST:
        raise ValidationError({"amount": f"{MAX_COST} is the most for a cost."})
    limit = Limit(resource=resource, window=window, amount=amount, per=per, model_name=model_name)
    limit.full_clean(validate_unique=False, validate_constraints=False)
    return limit
