"""Claims on the event loop: taken, waited for, renewed, and turned into answers."""

import asyncio
from typing import Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseAway

from aiplatform.database import in_database
from aiplatform.idempotency.attempt import Attempt
from aiplatform.idempotency.errors import still_in_flight
from aiplatform.idempotency.kept_answer import KeptAnswer
from aiplatform.idempotency.records import (
    Standing,
    record_claim,
    record_is_in_flight,
    record_keep,
    record_release,
    record_renew,
)

log = structlog.get_logger(__name__)

# Between two looks at a record that somebody else holds. Looking is what works across machines and
# tells of a claimant that died, which no message would.
LOOK_EVERY_S: Final = 0.1
_RENEWALS_A_LEASE: Final = 3


class Claim:
    """The right, and the duty, to answer for one key; held for as long as this process lives."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._renewing = asyncio.create_task(self._renew())

    async def keep(self, answer: KeptAnswer) -> None:
        """Keep the answer for who asks again, unless it is over the bound."""
        if len(answer.body) > settings.IDEMPOTENCY_MAX_ANSWER_BYTES:
            log.warning("idempotent_answer_too_large", bytes=len(answer.body))
            await self.release()
            return
        self._renewing.cancel()
        try:
            kept = await in_database(record_keep, attempt=self._attempt, answer=answer)
        except DatabaseAway as error:  # the answer is good; only its copy is lost
            log.error("idempotent_answer_not_kept", reason=type(error).__name__)
        else:
            if not kept:
                log.warning("idempotency_claim_lost")

    async def release(self) -> None:
        """Let whoever asks again be served anew."""
        self._renewing.cancel()
        try:
            await in_database(record_release, attempt=self._attempt)
        except DatabaseAway as error:  # its lease ends all the same
            log.error("idempotency_claim_not_released", reason=type(error).__name__)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(settings.LEASE_TTL_S / _RENEWALS_A_LEASE)
            try:
                if not await in_database(record_renew, attempt=self._attempt):
                    return
            except DatabaseAway as error:
                log.error("idempotency_claim_not_renewed", reason=type(error).__name__)


async def claim_or_answer(attempt: Attempt) -> Claim | KeptAnswer:
    """Return the claim, or the first answer, waiting for it while it is being made.

    Raises KeyReused, and another ApiError when REQUEST_TIMEOUT_S have passed.
    """
    try:
        async with asyncio.timeout(settings.REQUEST_TIMEOUT_S):
            while (found := await _claim(attempt)) is Standing.IN_FLIGHT:
                await _not_in_flight(attempt.key_digest)
    except TimeoutError as error:
        raise still_in_flight(settings.REQUEST_TIMEOUT_S) from error
    return found if isinstance(found, KeptAnswer) else Claim(attempt)


async def _claim(attempt: Attempt) -> Standing | KeptAnswer:
    claiming = asyncio.create_task(in_database(record_claim, attempt=attempt))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        # The client went, but the thread goes on: what it claims would block the client's retry.
        _keep_until_done(asyncio.create_task(_undo(claiming, attempt)))
        raise


async def _undo(claiming: "asyncio.Task[Standing | KeptAnswer]", attempt: Attempt) -> None:
    await asyncio.wait([claiming])
    if claiming.exception() is None and claiming.result() is Standing.CLAIMED:
        await Claim(attempt).release()


_undoing: Final[set[asyncio.Task[None]]] = set()


def _keep_until_done(task: asyncio.Task[None]) -> None:
    _undoing.add(task)  # the loop itself keeps no reference
    task.add_done_callback(_undoing.discard)


_looking: Final[dict[str, asyncio.Task[None]]] = {}


async def _not_in_flight(key_digest: str) -> None:
    """Return when nobody holds the claim any more. However many wait, one of them looks."""
    looking = _looking.get(key_digest)
    if looking is None or looking.done() or looking.get_loop() is not asyncio.get_running_loop():
        looking = _looking[key_digest] = asyncio.create_task(_look(key_digest))
        looking.add_done_callback(lambda _: _looking.pop(key_digest, None))
    await asyncio.shield(looking)


async def _look(key_digest: str) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if not await in_database(record_is_in_flight, key_digest=key_digest):
            return
