"""Refusing a job when it is submitted, where it would be refused when it is begun."""

from typing import Final

from django.conf import settings

from accounts.models import Resource, Window
from accounts.principal import Principal
from aiplatform.database import in_database
from aiplatform.errors import ApiError
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.peek import LimitState, limits_peek
from inference.gateway.limits.report import verdict_refusal
from inference.gateway.limits.reservation import NEVER_MS, Verdict
from inference.gateway.spec import Spec
from inference.jobs.selectors import jobs_waiting

_RETRY_S: Final = 60.0


async def refuse_early(principal: Principal, spec: Spec) -> None:
    """Raise ApiError if a limit is used up, or the user has too many jobs.

    Only what was used counts, not what others have set aside: that may come back. How many run at
    once is what jobs wait for.
    """
    await _refuse_too_many(principal.user_id)
    states, wanted = await limits_peek(principal, spec.model.name), spec.most_used
    for place, state in enumerate(states):
        amount = wanted.of(state.rule.resource)
        if state.rule.resource == Resource.CONCURRENCY:
            continue
        if state.used + amount > state.rule.amount:
            raise _refusal(states, place, wanted)


def _refusal(states: list[LimitState], place: int, wanted: Amounts) -> ApiError:
    state, verdict = states[place], Verdict(states, wanted, 0)
    verdict.refused_by = place
    never = wanted.of(state.rule.resource) > state.rule.amount or state.rule.window == Window.TOTAL
    verdict.retry_ms = NEVER_MS if never else state.resets_ms
    return verdict_refusal(verdict, otherwise_s=_RETRY_S)


async def _refuse_too_many(user_id: int) -> None:
    most = settings.MAX_QUEUED_JOBS_PER_USER
    if await in_database(jobs_waiting, user_id=user_id) >= most:
        detail = f"You have {most:,} jobs that have not ended, the most there may be."
        raise ApiError(429, "too_many_jobs", detail, retry_after=_RETRY_S)
