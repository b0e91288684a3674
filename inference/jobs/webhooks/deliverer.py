"""Sending what is due: many at once in one process, so that slow receivers hold up no worker."""

import asyncio
import time
from collections import Counter
from typing import Final

import redis
import structlog

from aiplatform.database import in_database
from aiplatform.store import blocking_store
from inference.jobs.webhooks.message import attempt
from inference.jobs.webhooks.sending import Outcome
from inference.jobs.webhooks.services.deliveries import (
    ClaimedDelivery,
    deliveries_claim,
    delivery_finish,
)

log = structlog.get_logger("inference.jobs.webhooks")

AT_ONCE: Final = 64
LOOK_EVERY_S: Final = 0.5  # for what became due while others are under way
TURN_S: Final = 60.0  # then nothing new is begun, so that a worker can end
_TURN: Final = "webhooks:deliverer"
_TURN_TTL_S: Final = 10.0  # after a deliverer that was killed the next one begins that late


def deliver_due() -> int:
    """Attempt everything that is due until there is no more; return how many attempts were made.

    One process does it at a time, and whoever comes meanwhile leaves it to that one: two workers
    that both wait for slow receivers do nothing else. Claims keep it right even without that.
    """
    # It is acquired in one thread and renewed from another.
    turn = blocking_store().lock(_TURN, timeout=_TURN_TTL_S, blocking=False, thread_local=False)
    if not turn.acquire():
        return 0
    try:
        return asyncio.run(_deliver(turn))
    finally:
        _end(turn)


async def _deliver(turn: "redis.lock.Lock") -> int:
    deadline = time.monotonic() + TURN_S
    running: dict[asyncio.Task[None], int] = {}  # an attempt → whose it is
    begun = 0
    while True:
        if time.monotonic() < deadline:
            for one in await _claim(running):
                running[asyncio.create_task(_attempt(one))] = one.delivery.endpoint.user_id
                begun += 1
        if not running:
            return begun
        done, _ = await asyncio.wait(
            running, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            del running[task]
            task.result()  # nothing fails in silence
        if not await asyncio.to_thread(_renewed, turn):
            deadline = 0.0  # somebody else has the turn, or nobody knows: end what is begun


async def _claim(running: dict[asyncio.Task[None], int]) -> list[ClaimedDelivery]:
    room = AT_ONCE - len(running)
    under_way = Counter(running.values())
    return await in_database(deliveries_claim, room=room, under_way=under_way) if room else []


async def _attempt(claimed: ClaimedDelivery) -> None:
    try:
        outcome = await attempt(claimed.delivery)
    except Exception:  # one that cannot be sent must not end those of others
        log.exception("webhook_attempt_broke", delivery=claimed.delivery.pk)
        outcome = Outcome(error="internal_error")
    await in_database(delivery_finish, claimed, outcome)


def _renewed(turn: "redis.lock.Lock") -> bool:
    try:
        return turn.reacquire()
    except redis.RedisError:
        return False


def _end(turn: "redis.lock.Lock") -> None:
    try:
        turn.release()
    except redis.RedisError:
        return  # it ends by itself, or is somebody else's by now
