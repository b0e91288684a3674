"""Reading counters: what a caller has used, has reserved and has left."""

from typing import NamedTuple

from asgiref.sync import async_to_sync

from accounts.limit_rules import LimitRule
from accounts.principal import Principal
from aiplatform.pipelined_store import pipelined_store
from aiplatform.store import Unavailable
from inference.gateway import errors
from inference.gateway.limits.counters import Bound, bounds_of
from inference.gateway.limits.loading import Patience
from inference.gateway.limits.programs import PEEK


class LimitState(NamedTuple):
    """One limit as it stands for one caller."""

    rule: LimitRule
    subject: str
    used: int
    reserved: int
    resets_ms: int  # until nothing is used any more; 0 for totals and concurrency

    @property
    def remaining(self) -> int:
        """Return how much may still be asked for."""
        return max(0, self.rule.amount - self.used - self.reserved)


async def limits_peek(principal: Principal, model: str | None = None) -> list[LimitState]:
    """Return every limit on `principal` asking `model`; None: those that need no model named.

    Raises ApiError while the limits cannot be read.
    """
    bounds = bounds_of(principal, model)
    if not bounds:
        return []
    try:
        return await _peek(bounds)
    except Unavailable as error:
        raise errors.limits_unavailable() from error


def limits_peek_blocking(principal: Principal, model: str | None = None) -> list[LimitState]:
    """Do the same for synchronous views."""
    return async_to_sync(limits_peek)(principal, model)


async def _peek(bounds: list[Bound]) -> list[LimitState]:
    patience = Patience()
    keys = [bound.counter.key for bound in bounds]
    windows = [number for bound in bounds for number in bound.counter.sliding]
    while True:
        outcome, _, *numbers = await pipelined_store().run(PEEK, keys, windows)
        if outcome == 0:
            return states(bounds, numbers)
        await patience.load([bounds[place - 1].counter for place in numbers])


def states(bounds: list[Bound], numbers: list[bytes]) -> list[LimitState]:
    """Return the states that a script answered with: three numbers for each bound."""
    plain = [int(number) for number in numbers]
    return [
        LimitState(bound.rule, bound.counter.subject, *plain[3 * place : 3 * place + 3])
        for place, bound in enumerate(bounds)
    ]
