"""Which counters a request touches, and how much of each it may use."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from accounts.limit_rules import COST_UNITS, LimitRule
from accounts.models import Per, Resource
from accounts.principal import Principal
from inference.gateway.limits.windows import WINDOWS, SlidingWindow

# A rule that names a model counts that model alone: as if it counted by model as well.
_WITH_MODEL: Final = {Per.USER: Per.USER_MODEL, Per.KEY: Per.KEY_MODEL}


class Counter(NamedTuple):
    """One counter: so much of what, over which time, used by whom."""

    subject: str  # `user:7`, `key_model:3:llama`
    resource: str  # models.Resource
    window: str  # models.Window

    @property
    def sliding(self) -> SlidingWindow:
        return WINDOWS[self.window]

    @property
    def key(self) -> str:
        """Return its key in the store."""
        return f"use:{self.subject}:{self.resource}:{self.window}"

    @property
    def index_entry(self) -> str:
        """Return what the subject's index holds of it; settle.lua takes that apart."""
        return f"{self.resource}|{self.sliding.length}|{self.sliding.bucket}|{self.key}"

    @classmethod
    def parse(cls, key: str) -> "Counter":
        """Return the counter that has this key in the store."""
        rest, _, window = key.removeprefix("use:").rpartition(":")
        subject, _, resource = rest.rpartition(":")
        return cls(subject, resource, window)


class Bound(NamedTuple):
    """A rule and the counter it bounds for one caller and model."""

    rule: LimitRule
    counter: Counter


def bounds_of(
    principal: Principal, model: str | None, rules: Iterable[LimitRule] | None = None
) -> list[Bound]:
    """Return the bounds on `principal` asking `model`; None: those that count every model."""
    found = []
    for rule in principal.rules if rules is None else rules:
        named = rule.model_name or model
        if rule.model_name and model not in (None, rule.model_name):
            continue
        subject = _subject(principal, named, per_of(rule))
        if subject:
            found.append(Bound(rule, Counter(subject, rule.resource, rule.window)))
    return found


def tightest(bounds: Iterable[Bound]) -> list[Bound]:
    """Return, of the bounds on each counter, the one that decides."""
    found: dict[Counter, Bound] = {}
    for bound in bounds:
        known = found.get(bound.counter)
        if known is None or bound.rule.amount < known.rule.amount:
            found[bound.counter] = bound
    return list(found.values())


def per_of(rule: LimitRule) -> str:
    """Return for whom the rule's counter counts, the model it names included."""
    return _WITH_MODEL.get(Per(rule.per), rule.per) if rule.model_name else rule.per


def subjects_of(user_id: int, key_id: int | None, model: str) -> list[str]:
    """Return everybody that a request's use is counted for."""
    found = [f"user:{user_id}", f"model:{model}", f"user_model:{user_id}:{model}"]
    if key_id is not None:
        found += [f"key:{key_id}", f"key_model:{key_id}:{model}"]
    return found


def index_key(subject: str) -> str:
    """Return the key of the set that names a subject's counters."""
    return f"counters:{subject}"


def _subject(principal: Principal, model: str | None, per: str) -> str:
    """Return whom a rule counts, or nothing where the caller is nobody of the kind."""
    if per.startswith("key") and principal.key_id is None:
        return ""
    if per.endswith("model") and model is None:
        return ""
    match per:
        case Per.USER:
            return f"user:{principal.user_id}"
        case Per.KEY:
            return f"key:{principal.key_id}"
        case Per.MODEL:
            return f"model:{model}"
        case Per.USER_MODEL:
            return f"user_model:{principal.user_id}:{model}"
        case Per.KEY_MODEL:
            return f"key_model:{principal.key_id}:{model}"
    raise ValueError(per)


class Amounts(NamedTuple):
    """So much of every resource: what a request may use, or did."""

    requests: int = 0
    tokens: int = 0
    cost: int = 0  # COST_UNITS-ths of the prices' currency
    concurrency: int = 0
    images: int = 0

    def of(self, resource: str) -> int:
        """Return how much of one resource."""
        amount: int = getattr(self, resource)
        return amount


def shown(resource: str, amount: int) -> int | float:
    """Return an amount as people read it: cost in the currency, all else as it is."""
    return amount / COST_UNITS if resource == Resource.COST else amount
