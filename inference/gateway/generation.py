"""A request's life, the same for every door: the six steps, in order, in one function."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseAway

from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from aiplatform import metrics
from aiplatform.errors import ApiError, as_api_error
from aiplatform.metrics import labelled
from inference.gateway import errors
from inference.gateway.admission import admit
from inference.gateway.door import Door
from inference.gateway.entry import (
    CLIENT_CLOSED,
    Entry,
    Stopwatch,
    note_caller,
    note_charge,
    note_end,
    note_run,
    note_spec,
)
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.reservation import Reservation
from inference.gateway.presence import presence_note
from inference.gateway.routing import Routed
from inference.gateway.settlement import settlement
from inference.gateway.spec import INTERACTIVE, Spec
from inference.gateway.vigil import watching

log = structlog.get_logger(__name__)

PASSING: Final = frozenset({429, 503})  # statuses of what may be served later


async def generate(door: Door, *, asks_again: bool = False) -> None:
    """Take one request through the six steps. Never raises: what went wrong goes to the door.

    With `asks_again` a refusal that passes with time (429, 503) leaves no row of history: the door
    asks again later, and what comes of that is the row.

    Cancelling the task that runs this stops the replica within a step; what was made until then
    is settled all the same.
    """
    entry, watch, reservation, spec, error = door.entry, Stopwatch(), None, None, None
    try:
        async with asyncio.timeout(settings.REQUEST_TIMEOUT_S):
            principal = await door.authenticate()
            note_caller(entry, principal)
            spec = await door.parse(principal)
            note_spec(entry, spec, store_bodies=settings.STORE_BODIES and principal.store_bodies)
            reservation = await admit(entry, principal, spec)
            with watching(door, principal):
                await _route_and_stream(door, principal, spec, watch)
    except asyncio.CancelledError:
        error = ApiError(CLIENT_CLOSED, "client_gone", "The client went away.")
    except TimeoutError:
        error = errors.deadline_passed(settings.REQUEST_TIMEOUT_S)
    except Exception as raised:
        error = _as_error(raised)
    note_end(entry, error, watch)
    used = note_charge(entry, spec.model) if spec and reservation else Amounts()
    kept = not (asks_again and entry.status == "refused" and error and error.status in PASSING)
    await _to_its_end(_settle_and_finish(door, reservation, used, error, kept=kept))


async def _route_and_stream(door: Door, principal: Principal, spec: Spec, watch: Stopwatch) -> None:
    entry = door.entry
    routed = Routed(str(entry.id), str(principal.user_id), spec, weight=principal.weight)
    _note_presence(spec)
    try:
        await routed.start()
        await door.open(routed.answered)
        async for piece in routed:
            _note_presence(spec)
            await door.send(piece)
    finally:
        # However it ended, the replica stops and says what it made.
        await routed.cancel()
        entry.replica, entry.attempts = routed.replica_id, routed.attempts
        entry.answered = routed.answered.text
        note_run(entry, spec, routed.run, watch)


def _note_presence(spec: Spec) -> None:
    if spec.priority == INTERACTIVE:
        presence_note(spec.model.name)


async def _settle_and_finish(
    door: Door,
    reservation: Reservation | None,
    used: Amounts,
    error: ApiError | None,
    *,
    kept: bool,
) -> None:
    # Where nobody we know asked, there is no one to account it to.
    if kept and door.entry.user_id is not None:
        error = await _settle(door.entry) or error
    # Tasks begin in the order they are made: this one is on its way to the store before the last
    # byte is on its way to the caller, who need not wait for the store's answer. Not beside the
    # commit, whose thread would have to wait for the interpreter meanwhile.
    counting = asyncio.create_task(reservation.settle(used)) if reservation else None
    await door.finish(error)
    _count(door.entry)
    if counting:
        await counting


async def _settle(entry: Entry) -> ApiError | None:
    """Return when the entry is safe, or why there is no answer: it can be kept nowhere."""
    try:
        await settlement().settle(entry)
    except Exception as lost:
        return _as_error(lost)
    return None


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end even if this task is cancelled meanwhile."""
    task = asyncio.create_task(work)
    while not task.done():
        # A client that goes away now is too late to change what happened.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()


def _as_error(raised: Exception) -> ApiError:
    if isinstance(raised, AuthenticationRefused):
        return ApiError(401, raised.code, raised.detail)
    if isinstance(raised, DatabaseAway):
        return errors.database_unavailable()
    known = as_api_error(raised)
    if known is None:
        log.exception("generation_failed", exc_info=raised)
    return known or errors.internal()


def _count(entry: Entry) -> None:
    if entry.user_id is None:
        return
    model = entry.model_name or "none"
    labelled(metrics.generations, model, entry.door, entry.status).inc()
    labelled(metrics.generation_tokens, model, "prompt").inc(entry.prompt_tokens)
    labelled(metrics.generation_tokens, model, "completion").inc(entry.completion_tokens)
    if entry.images:
        labelled(metrics.generation_images, model).inc(entry.images)
    if entry.ttft_ms is not None:
        labelled(metrics.time_to_first_token, model).observe(entry.ttft_ms / 1000)
    if entry.overhead_ms is not None:
        metrics.overhead_seconds.observe(entry.overhead_ms / 1000)


_under_way: Final[set[asyncio.Task[None]]] = set()


def start(generation: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run a generation as a task of its own, which outlives the connection it came by."""
    task = asyncio.create_task(generation)
    _under_way.add(task)
    metrics.generations_open.inc()
    task.add_done_callback(_ended)
    return task


async def finish_all(seconds: float) -> None:
    """Wait for the generations under way, then cancel and settle those that take longer."""
    if not _under_way:
        return
    _, late = await asyncio.wait(_under_way, timeout=seconds)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=seconds)


def _ended(task: asyncio.Task[None]) -> None:
    _under_way.discard(task)
    metrics.generations_open.dec()
