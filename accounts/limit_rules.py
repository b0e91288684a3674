"""Which limits bind a caller: rows of plan, user, key and platform, merged into rules."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Q

from accounts.models import Limit, Plan, Resource, User

# Amounts of cost are whole numbers of this fraction of the prices' currency.
COST_UNITS: Final = 1_000_000_000

PLATFORM: Final = "platform"

# for whom, of which model, of what, over which time
Counter = tuple[str, str, str, str]


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
    def counter(self) -> Counter:
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
    """Return what binds: a user's limit takes the place of the plan's on the same counter.

    The platform's and the key's stand beside them, and the tightest decides: owners set limits of
    their own keys, which must not loosen anything.
    """
    granted: dict[Counter, LimitRule] = {}
    for limit in sorted(limits, key=_rank):
        if _rank(limit) in (_PLAN, _USER):
            rule = _rule(limit)
            granted[rule.counter] = rule
    beside = [_rule(limit) for limit in limits if _rank(limit) in (_PLATFORM, _KEY)]
    return (*beside, *granted.values())


_PLATFORM, _PLAN, _USER, _KEY = range(4)


def _rank(limit: Limit) -> int:
    if limit.api_key_id:
        return _KEY
    return _USER if limit.user_id else _PLAN if limit.plan_id else _PLATFORM


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
    return f"plan {plan.name}" if plan else (PLATFORM, "plan", "user", "key")[rank]
