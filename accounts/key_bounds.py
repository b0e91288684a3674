"""The most that a caller may give a key: nobody hands out what they do not have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts import scopes
from accounts.key_settings import LIMITED_PER, KeySettings
from accounts.limit_rules import COST_UNITS, PLATFORM, LimitRule, rules_of, units
from accounts.limit_words import what_over
from accounts.models import ApiKey, Limit, Resource, User
from accounts.networks import is_within, parse_network
from aiplatform.errors import ApiError

Counter = tuple[str, str, str, str]


def beyond(param: str, reason: str) -> ApiError:
    """Return the refusal of a setting that goes beyond what the caller may give."""
    return ApiError(403, "more_than_allowed", f"{param}: {reason}", param=param)


@dataclass(frozen=True, slots=True)
class CallingKey:
    """The key a caller manages keys with. What it makes and changes stays within what it has."""

    key: ApiKey
    limits: tuple[Limit, ...]

    def defaults(self) -> KeySettings:
        """Return what a key that it makes gets where nobody says otherwise."""
        return {
            "scopes": sorted(set(scopes.DEFAULT) & set(self.key.scopes)),
            "allowed_models": self.key.allowed_models,
            "allowed_networks": self.key.allowed_networks,
            "expires_at": self.key.expires_at,
            "store_bodies": self.key.store_bodies,
        }

    def refuse_beyond(self, settings: KeySettings) -> None:
        """Raise ApiError, naming the setting and the bound, for more than the key has itself."""
        if "scopes" in settings:
            self._refuse_scopes(settings["scopes"])
        if "allowed_models" in settings:
            self._refuse_models(settings["allowed_models"])
        if "allowed_networks" in settings:
            self._refuse_networks(settings["allowed_networks"])
        if "expires_at" in settings and self.key.expires_at:
            moment = settings["expires_at"]
            if moment is None or moment > self.key.expires_at:
                end = self.key.expires_at.isoformat()
                raise beyond("expires_at", f"The key you call with ends at {end}.")

    def refuse_looser(self, limits: Iterable[Limit]) -> None:
        """Raise ApiError where one of the key's own limits is left out, or is lower than here."""
        given = {limit.counter: limit.amount for limit in limits}
        for own in self.limits:
            if own.counter not in given or given[own.counter] > own.amount:
                raise beyond("limits", f"The key you call with is itself limited to {own}.")

    def _refuse_scopes(self, wanted: list[str]) -> None:
        missing = sorted(set(wanted) - set(self.key.scopes))
        if missing:
            raise beyond("scopes", f"The key you call with lacks `{missing[0]}`.")

    def _refuse_models(self, wanted: list[str]) -> None:
        own = set(self.key.allowed_models)
        if own and not (wanted and own.issuperset(wanted)):
            raise beyond("allowed_models", f"The key you call with has {_some(own)}.")

    def _refuse_networks(self, wanted: list[str]) -> None:
        own = [parse_network(text) for text in self.key.allowed_networks]
        within = (is_within(parse_network(text), own) for text in wanted)
        if own and not (wanted and all(within)):
            bound = _some(self.key.allowed_networks)
            raise beyond("allowed_networks", f"The key you call with has {bound}.")


def refuse_useless_scopes(owner: User, wanted: list[str]) -> None:
    """Raise ApiError for a scope that is idle now and would awake with the owner's rank."""
    idle = sorted(scopes.ADMINS_ONLY & set(wanted))
    if idle and not owner.is_superuser:
        raise beyond("scopes", f"`{idle[0]}` is for keys of admins.")


def refuse_above_user(owner: User, limits: Iterable[Limit]) -> None:
    """Raise ApiError where a limit would take the place of a lower one of the user or the plan."""
    bounds = _bounds_of(owner)
    for index, limit in enumerate(limits):
        bound = bounds.get(limit.counter)
        if bound and units(limit.resource, limit.amount) > bound.amount:
            reason = f"{bound.source} allows {_shown(bound)}."
            raise beyond(f"limits[{index}].amount", reason)


def _bounds_of(owner: User) -> Mapping[Counter, LimitRule]:
    return {
        rule.counter: rule
        for rule in rules_of(owner, None)
        if rule.source != PLATFORM and rule.per in LIMITED_PER
    }


def _shown(rule: LimitRule) -> str:
    cost = rule.resource == Resource.COST
    amount = Decimal(rule.amount) / COST_UNITS if cost else Decimal(rule.amount)
    return f"{amount.normalize():f} {what_over(rule.resource, rule.window)}"


def _some(entries: Iterable[str]) -> str:
    shown = sorted(entries)
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more
