"""What the limits said, for those who read it: error, headers and history."""

from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpResponseBase

from accounts.models import Resource
from aiplatform.errors import ApiError
from inference.gateway import errors
from inference.gateway.limits.counters import shown
from inference.gateway.limits.peek import LimitState
from inference.gateway.limits.reservation import Verdict
from inference.gateway.limits.windows import WINDOWS

IN_HEADERS: Final = (Resource.REQUESTS, Resource.TOKENS)


def verdict_noted(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as the history keeps it."""
    limits = [
        {**limit_told(state), "wanted": _shown(state, verdict.wanted.of(state.rule.resource))}
        for state in verdict.states
    ]
    retry = verdict.retry_ms
    return {
        "at": verdict.at,
        "limits": limits,
        "refused_by": verdict.refused_by,
        "retry_after": None if retry is None else retry / 1000,
    }


def verdict_refusal(verdict: Verdict, *, otherwise_s: float) -> ApiError:
    """Return the refusal; `otherwise_s`: when to come again if only a request's end frees any."""
    state = verdict.states[verdict.refused_by or 0]
    rule = state.rule
    retry = otherwise_s if verdict.retry_ms is None else verdict.retry_ms / 1000
    reason = {**limit_told(state), "wanted": _shown(state, verdict.wanted.of(rule.resource))}
    if (rule.per, rule.resource, rule.source) == ("model", "concurrency", "platform"):
        return errors.queue_full(
            model=rule.model_name, waiting=state.reserved, retry_after=retry, reason=reason
        )
    return errors.over_limit(reason=reason, retry_after=retry)


def limit_told(state: LimitState) -> dict[str, Any]:
    """Return one limit as it stands, in the words and units of the API."""
    rule = state.rule
    return {
        "resource": str(rule.resource),
        "window": str(rule.window),
        "per": str(rule.per),
        "model": rule.model_name or None,
        "source": rule.source,
        "limit": _shown(state, rule.amount),
        "used": _shown(state, state.used),
        "reserved": _shown(state, state.reserved),
        "resets_in": state.resets_ms / 1000,
    }


def limit_headers(states: Iterable[LimitState]) -> dict[str, str]:
    """Return `x-ratelimit-*` of the tightest limits on requests and tokens, as OpenAI names them.

    Tightest is what has the smallest part left. Where nothing bounds a resource it has no headers.
    """
    headers: dict[str, str] = {}
    for resource in IN_HEADERS:
        bounding = [state for state in states if state.rule.resource == resource]
        if bounding:
            tightest = min(bounding, key=lambda state: state.remaining / max(1, state.rule.amount))
            headers |= {
                f"x-ratelimit-limit-{resource}": str(tightest.rule.amount),
                f"x-ratelimit-remaining-{resource}": str(tightest.remaining),
                f"x-ratelimit-reset-{resource}": _duration(tightest.resets_ms),
            }
    return headers


def tell_limits(response: HttpResponseBase, states: Iterable[LimitState]) -> None:
    """Put the headers on an answer."""
    for name, value in limit_headers(states).items():
        response[name] = value


def after(verdict: Verdict) -> list[LimitState]:
    """Return the states as the request that was admitted leaves them."""
    return [_after(state, verdict) for state in verdict.states]


def _after(state: LimitState, verdict: Verdict) -> LimitState:
    wanted = verdict.wanted.of(state.rule.resource)
    length, bucket = WINDOWS[state.rule.window]
    # What it uses is counted in the bucket of its admission, and leaves with it.
    resets = (verdict.at // bucket + 1) * bucket + length - verdict.at if bucket else 0
    return state._replace(reserved=state.reserved + wanted, resets_ms=resets)


def _shown(state: LimitState, amount: int) -> int | float:
    return shown(state.rule.resource, amount)


def _duration(milliseconds: int) -> str:
    """Return a time as OpenAI's headers write it: `6m0s`, `1s`, `120ms`."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, seconds = divmod(-(-milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
