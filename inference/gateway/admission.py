"""Admission: may this request run now? Every limit that applies decides at once, in the store."""

from django.conf import settings

from accounts.limit_rules import PLATFORM, LimitRule
from accounts.models import Per, Resource, Window
from accounts.principal import Principal
from aiplatform.store import Unavailable
from inference.gateway import errors, replicas
from inference.gateway.entry import Entry
from inference.gateway.limits.counters import bounds_of, subjects_of, tightest
from inference.gateway.limits.report import after, verdict_noted, verdict_refusal
from inference.gateway.limits.reservation import Reservation, reserve
from inference.gateway.spec import Spec
from inference.registry.directory import Replica


async def admit(entry: Entry, principal: Principal, spec: Spec) -> Reservation:
    """Set aside what the request may use, and write down in `entry` what the limits said.

    Raises ApiError: which limit refuses, how far over, when again.
    """
    ready = [one for one in await replicas.of_model(spec.model.name) if one.state == "ready"]
    own = bounds_of(principal, spec.model.name)
    built_in = bounds_of(principal, spec.model.name, _built_in(spec, len(ready)))
    subjects = subjects_of(principal.user_id, principal.key_id, spec.model.name)
    try:
        verdict, reservation = await reserve(
            str(entry.id), tightest([*built_in, *own]), spec.most_used, subjects
        )
    except Unavailable as error:
        raise errors.limits_unavailable() from error
    entry.admission, entry.limits = verdict_noted(verdict), verdict.states
    if reservation is None:
        raise verdict_refusal(verdict, otherwise_s=_expected_wait(ready))
    entry.counted_at, entry.limits = verdict.at, after(verdict)
    return reservation


def _built_in(spec: Spec, ready: int) -> list[LimitRule]:
    """Return the bounds that always are: of one user, and of the model's slots and queue."""
    places = spec.model.slots * max(1, ready) + spec.model.max_queue
    return [
        _at_once(Per.USER, "", settings.MAX_CONCURRENT_PER_USER),
        _at_once(Per.MODEL, spec.model.name, places),
    ]


def _at_once(per: Per, model: str, amount: int) -> LimitRule:
    return LimitRule(per, model, Resource.CONCURRENCY, Window.NOW, amount, PLATFORM)


def _expected_wait(ready: list[Replica]) -> float:
    """Return seconds until a place should be free: the best that a replica promises."""
    if not ready:
        return float(settings.LEASE_TTL_S)
    frees = (one.mean_request_s / max(1, one.running) for one in ready)
    return max(1.0, min(map(max, frees, (one.estimated_wait_s for one in ready))))
