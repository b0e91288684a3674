"""Which limits bind a caller: rows of plan, user, key and platform, merged into rules."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Q

from accounts.models import Limit, Plan, Resource, User

# Amounts of cost are whole numbers of this fraction of the prices' currency.
COST_UNITS: Final = 1_000_000_000

PLATFORM: Final = "platform"


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One bound as admission uses it."""

    per: str  # models.Per: for whom the counter counts
    model_name: str  # counts this model alone; empty: every model
    resource: str  # models.Resource
    window: str  # models.Window
    amount: int  # requests, tokens, requests at once, or COST_UNITS-ths of the currency
    source: str  # whose limit it is: `plan NAME`, `user`, `key` or `platform`

    @property
    def counter(self) -> tuple[str, str, str, str]:
        """Return what two rules share that bound the same counter."""
        return (self.per, self.model_name, self.resource, self.window)


def rules_of(user: User, key_id: int | None) -> tuple[LimitRule, ...]:
    """Return the rules that bind `user` calling with the key `key_id`, or with none."""
    plan = Q(plan=user.plan_id) if user.plan_id else Q(plan__is_default=True)
    owners = plan | Q(user=user) | Q(plan=None, user=None, api_key=None)
    if key_id is not None:
        owners |= Q(api_key=key_id)
    return _merged(list(Limit.objects.filter(owners).select_related("plan")))


def _merged(limits: list[Limit]) -> tuple[LimitRule, ...]:
    platform = [_rule(limit) for limit in limits if _rank(limit) == 0]
    own: dict[tuple[str, str, str, str], LimitRule] = {}
    for limit in sorted(limits, key=_rank):
        if _rank(limit):
            rule = _rule(limit)
            own[rule.counter] = rule  # a key's over its user's over the plan's
    return (*platform, *own.values())


def _rank(limit: Limit) -> int:
    if limit.api_key_id:
        return 3
    return 2 if limit.user_id else 1 if limit.plan_id else 0


def _rule(limit: Limit) -> LimitRule:
    return LimitRule(
        per=limit.per,
        model_name=limit.model_name,
        resource=limit.resource,
        window=limit.window,
        amount=units(limit.resource, limit.amount),
        source=_source(limit.plan, _rank(limit)),
    )


def units(resource: str, amount: Decimal) -> int:
    """Return an amount as counters count it."""
    return int(amount * COST_UNITS if resource == Resource.COST else amount)


def _source(plan: Plan | None, rank: int) -> str:
    return f"plan {plan.name}" if plan else (PLATFORM, "", "user", "key")[rank]
