"""Reservations: what a request may use is set aside before it runs and settled when it ended."""

import asyncio
import math
from typing import Final

import structlog
from django.conf import settings

from aiplatform.pipelined_store import pipelined_store
from aiplatform.store import Unavailable
from inference.gateway.limits.counters import Amounts, Bound, index_key
from inference.gateway.limits.loading import Patience
from inference.gateway.limits.peek import LimitState, states
from inference.gateway.limits.programs import ADMIT, RENEW, SETTLE

log = structlog.get_logger(__name__)

_RENEWED_AT_ONCE: Final = 200
# A store that was slow for a moment should not keep what is set aside until the next renewal.
_TRIED_AGAIN_AFTER_S: Final = (0.1, 0.5, 0.0)
# What is said where nothing frees by itself: somebody has to change a limit first.
NEVER_MS: Final = 24 * 3_600_000


class Verdict:
    """What the limits said to one request."""

    def __init__(self, states: list[LimitState], wanted: Amounts, at: int) -> None:
        self.states = states  # as they stood before this request
        self.wanted = wanted
        self.at = at  # ms, by the store's clock
        self.refused_by: int | None = None  # index into states
        self.retry_ms: int | None = None  # None: when a request under way ends


class Reservation:
    """What one request set aside, renewed until it is settled."""

    def __init__(self, request_id: str, held: dict[str, int], subjects: list[str]) -> None:
        self.request_id = request_id
        self.held = held  # counter → amount
        self.at = 0  # ms; when it was admitted
        self._indexes = [index_key(subject) for subject in subjects]
        self._used: Amounts | None = None
        self._tried = False  # to settle
        _held[request_id] = self
        _keep_renewing()

    async def settle(self, used: Amounts) -> None:
        """Count what was used and give the rest back.

        With the store away that is done when it is back: until then the reservation stands, and
        dies by itself with this process.
        """
        self._used = used
        for pause in _TRIED_AGAIN_AFTER_S:
            try:
                await self._settle(used)
            except Unavailable:
                await asyncio.sleep(pause)
            else:
                return
        log.warning("settled_later", request=self.request_id)

    async def _settle(self, used: Amounts) -> None:
        arguments = [self.request_id, int(self._tried), self.at]
        self._tried = True
        for resource, amount in used._asdict().items():
            arguments += [resource, amount]
        await pipelined_store().run(SETTLE, self._indexes, arguments)
        _held.pop(self.request_id, None)

    async def settle_if_due(self) -> None:
        """Settle what could not be settled when its request ended."""
        if self._used is not None and self.request_id in _held:
            await self._settle(self._used)

    @property
    def is_running(self) -> bool:
        """Return whether its request is still under way."""
        return self._used is None


async def reserve(
    request_id: str, bounds: list[Bound], wanted: Amounts, subjects: list[str]
) -> tuple[Verdict, Reservation | None]:
    """Set `wanted` aside under every bound, or nothing. Raises ApiError, and RedisError.

    What is set aside is given back by `settle` of the reservation returned.
    """
    amounts = [wanted.of(bound.rule.resource) for bound in bounds]
    keys = [bound.counter.key for bound in bounds]
    arguments: list[object] = [request_id, settings.LEASE_TTL_S * 1000]
    for bound, amount in zip(bounds, amounts, strict=True):
        arguments += [*bound.counter.sliding, bound.rule.amount, amount]
    held = {key: amount for key, amount in zip(keys, amounts, strict=True) if amount}
    outcome, at, retry, numbers = await _admitted(request_id, keys, arguments, bounds, held)
    verdict = Verdict(states(bounds, numbers), wanted, at)
    if outcome == 0:
        reservation = Reservation(request_id, held, subjects)
        reservation.at = at
        return verdict, reservation
    verdict.refused_by = outcome - 1
    verdict.retry_ms = _retry_ms(verdict, retry)
    return verdict, None


def _retry_ms(verdict: Verdict, retry: int) -> int | None:
    state = verdict.states[verdict.refused_by or 0]
    wanted = verdict.wanted.of(state.rule.resource)
    if wanted > state.rule.amount:
        return NEVER_MS  # it alone is more than the limit
    if retry >= 0:
        return retry
    # Nothing that was used will leave: either reservations stand in the way, or for ever.
    return NEVER_MS if state.used + wanted > state.rule.amount else None


async def _admitted(
    request_id: str,
    keys: list[str],
    arguments: list[object],
    bounds: list[Bound],
    held: dict[str, int],
) -> tuple[int, int, int, list[bytes]]:
    patience = Patience()
    while True:
        try:
            answer = await pipelined_store().run(ADMIT, keys, arguments)
        except asyncio.CancelledError:
            # It may have been admitted all the same; commands are obeyed in order, this one after.
            await Reservation(request_id, held, []).settle(Amounts())
            raise
        outcome, at, *rest = answer
        if outcome >= 0:
            return outcome, at, rest[0], rest[1:]
        await patience.load([bounds[place - 1].counter for place in rest])


_held: Final[dict[str, Reservation]] = {}
_renewals: Final[dict[asyncio.AbstractEventLoop, asyncio.Task[None]]] = {}


def _keep_renewing() -> None:
    loop = asyncio.get_running_loop()
    task = _renewals.get(loop)
    if task is None or task.done():
        _renewals[loop] = loop.create_task(_renew_while_held())


async def _renew_while_held() -> None:
    """Renew every reservation of this process a few times in its life; end when none is held."""
    while _held:
        await asyncio.sleep(settings.LEASE_TTL_S / 4)
        held = list(_held.values())
        try:
            for one in held:
                await one.settle_if_due()
            for start in range(0, len(held), _RENEWED_AT_ONCE):
                await _renew(held[start : start + _RENEWED_AT_ONCE])
        except Unavailable:
            log.warning("reservations_not_renewed", reservations=len(held))


async def _renew(reservations: list[Reservation]) -> None:
    arguments: list[object] = [math.ceil(settings.LEASE_TTL_S * 1000)]
    # Looked at now and not before: one that was settled meanwhile must not be taken again.
    for one in filter(lambda reservation: reservation.is_running, reservations):
        pairs = [part for pair in one.held.items() for part in pair]
        arguments += [one.request_id, len(one.held), *pairs]
    await pipelined_store().run(RENEW, [], arguments)
