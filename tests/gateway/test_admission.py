"""Admission: never more at once than allowed, whoever asks how, and nothing held for good."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
import redis
from pytest_django import Settings

from aiplatform.errors import ApiError
from aiplatform.pipelined_store import pipelined_store
from aiplatform.snapshot import Snapshot
from aiplatform.store import Unavailable
from inference.gateway import replicas
from inference.gateway.limits import reservation
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.reservation import Reservation
from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.canned_runner import Script
from tests.gateway.limit_cast import NOTHING, admitted, ask, at_once, caller, request, settle_all
from tests.live_web import LiveWeb, StartWeb, until


@pytest.fixture(autouse=True)
def forget_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """See what each test's own store announces, not what the last test's did."""
    monkeypatch.setattr(replicas, "_announced", Snapshot(replicas._read, replicas.FRESH_S))


def reserved(store: "redis.Redis", subject: str) -> int:
    """Return how many requests of a subject are under way."""
    return int(store.hget(f"use:{subject}:concurrency:now", "r") or 0)


@pytest.mark.parametrize("bound", [1, 7, 49])
async def test_of_fifty_at_once_exactly_as_many_as_allowed_get_in(
    store: "redis.Redis", settings: Settings, bound: int
) -> None:
    settings.MAX_CONCURRENT_PER_USER = bound
    answers = await at_once(50, caller(), request())
    assert Counter(type(one) for one in answers) == {Reservation: bound, ApiError: 50 - bound}
    refused = next(one for one in answers if isinstance(one, ApiError))
    assert (refused.status, refused.code) == (429, "concurrency_limit")
    assert str(bound) in refused.detail
    assert refused.headers()["Retry-After"].isdigit()
    await settle_all(answers)


async def test_the_models_bound_holds_over_all_users_together(store: "redis.Redis") -> None:
    what = request(slots=8, max_queue=3)
    answers = await asyncio.gather(*(ask(caller(user_id=number), what) for number in range(50)))
    assert Counter(type(one) for one in answers) == {Reservation: 11, ApiError: 39}
    refused = next(one for one in answers if isinstance(one, ApiError))
    assert (refused.status, refused.code) == (503, "queue_full")
    assert refused.retry_after is not None
    await settle_all(answers)


async def test_who_is_refused_by_one_bound_takes_no_place_under_another(
    store: "redis.Redis",
) -> None:
    answers = await at_once(20, caller(), request(slots=1))
    assert reserved(store, "user:1") == reserved(store, "model:tiny") == 1
    await settle_all(answers)


async def test_a_place_given_back_is_free_at_once(store: "redis.Redis", settings: Settings) -> None:
    settings.MAX_CONCURRENT_PER_USER = 1
    for _ in range(5):
        (one,) = admitted(await at_once(1, caller(), request()))
        await one.settle(NOTHING)
    assert not store.keys()


async def test_one_users_places_are_not_anothers(store: "redis.Redis", settings: Settings) -> None:
    settings.MAX_CONCURRENT_PER_USER = 2
    answers = [await ask(caller(user_id=number % 3), request()) for number in range(6)]
    assert len(admitted(answers)) == 6
    await settle_all(answers)


async def test_a_lease_whose_holder_died_expires_by_itself(
    store: "redis.Redis", settings: Settings
) -> None:
    settings.MAX_CONCURRENT_PER_USER, settings.LEASE_TTL_S = 1, 0.3
    (dead,) = admitted(await at_once(1, caller(), request()))
    del reservation._held[dead.request_id]  # as if its process had been killed
    assert isinstance(await ask(caller(), request()), ApiError)
    began = time.monotonic()
    while isinstance(one := await ask(caller(), request()), ApiError):
        assert time.monotonic() - began < 2
    await one.settle(NOTHING)
    assert not store.keys()


async def test_a_lease_that_is_held_outlives_its_time_to_live(
    store: "redis.Redis", settings: Settings
) -> None:
    settings.LEASE_TTL_S = 0.4
    (long,) = admitted(await at_once(1, caller(), request()))
    await asyncio.sleep(1.2)  # three lives
    expires = store.zscore("leases", long.request_id)
    assert expires is not None
    assert float(expires) > time.time() * 1000
    await long.settle(NOTHING)
    await asyncio.sleep(0.3)  # a renewal later
    assert not store.keys()


async def test_a_store_that_lost_its_memory_learns_again_what_is_under_way(
    store: "redis.Redis", settings: Settings
) -> None:
    settings.LEASE_TTL_S, settings.MAX_CONCURRENT_PER_USER = 0.4, 3
    answers = await at_once(3, caller(), request())
    store.flushdb()
    await until(lambda: reserved(store, "user:1") == 3, "they are reserved again", seconds=2)
    assert isinstance(await ask(caller(), request()), ApiError)
    await settle_all(answers)
    assert not store.keys()


async def test_one_cancelled_while_it_is_admitted_holds_no_place(store: "redis.Redis") -> None:
    for turn in range(30):
        asking = asyncio.create_task(ask(caller(), request()))
        for _ in range(turn):
            await asyncio.sleep(0)
        asking.cancel()
        outcome = (await asyncio.gather(asking, return_exceptions=True))[0]
        if isinstance(outcome, Reservation):
            await outcome.settle(NOTHING)
    assert not store.keys()
    assert not reservation._held


async def test_what_ends_while_the_store_is_away_is_counted_when_it_is_back(
    store: "redis.Redis", settings: Settings
) -> None:
    settings.LEASE_TTL_S = 0.4
    answers = await at_once(3, caller(), request())
    there = settings.REDIS_URL
    line = pipelined_store()._line
    assert line is not None
    line.drop(Unavailable())
    settings.REDIS_URL = "unix:///nowhere/store.sock"
    await settle_all(answers)
    assert reserved(store, "user:1") == 3
    settings.REDIS_URL = there
    await until(lambda: not store.keys(), "nothing is reserved any more", seconds=3)


async def test_what_was_settled_and_not_answered_is_counted_once(store: "redis.Redis") -> None:
    (one,) = admitted(await at_once(1, caller(), request()))
    store.hset("use:user:1:tokens:total", mapping={"u": 0, "r": 0})
    store.sadd("counters:user:1", "tokens|0|0|use:user:1:tokens:total")
    for _ in range(3):  # as if the answer to the first had been lost
        await one._settle(Amounts(tokens=7))
    assert store.hget("use:user:1:tokens:total", "u") == b"7"


async def test_without_the_store_nobody_is_admitted(store_away: None) -> None:
    began = time.monotonic()
    answer = await ask(caller(), request())
    assert isinstance(answer, ApiError)
    assert (answer.status, answer.code) == (503, "limits_unavailable")
    assert "Retry-After" in answer.headers()
    assert time.monotonic() - began < 1


@pytest.fixture(scope="module")
def four_at_once(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(MAX_CONCURRENT_PER_USER="4") as web:
        yield web


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_at_the_doors_fifty_at_once_never_exceed_the_bound(
    four_at_once: LiveWeb, door: GenerationDoor
) -> None:
    web = four_at_once
    async with web.runner(Script(delay_s=1.0)) as runner, web.async_client() as client:
        body = door.asking(model=runner.model)
        answers = await asyncio.gather(*(client.post(door.address, json=body) for _ in range(50)))
        assert Counter(one.status_code for one in answers) == {200: 4, 429: 46}
        assert runner.counters.accepted == 4
        _check_refusals(answers)
        await until(lambda: not web.leases(), "every lease is released")
        again = await client.post(door.address, json=body)
        assert again.status_code == 200


def _check_refusals(answers: list[httpx.Response]) -> None:
    for answer in answers:
        if answer.status_code == 429:
            assert refusal(answer).code == "concurrency_limit"
            assert int(answer.headers["retry-after"]) >= 1


async def test_whoever_got_the_last_byte_may_ask_again_at_once(start_web: StartWeb) -> None:
    with start_web(MAX_CONCURRENT_PER_USER="1") as web:
        async with web.runner() as runner, web.async_client() as client:
            for number in range(20):
                body = CHAT.asking(model=runner.model, stream=number % 2 == 0)
                assert (await client.post(CHAT.address, json=body)).status_code == 200


async def test_with_the_store_gone_the_doors_fail_closed_and_quickly(
    start_web: StartWeb,
) -> None:
    with start_web() as web:
        web.store().shutdown(nosave=True)
        async with web.async_client() as client:
            for door in DOORS:
                began = time.monotonic()
                answer = await client.post(door.address, json=door.smallest)
                assert refusal(answer).code == "limits_unavailable"
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) >= 1
                assert time.monotonic() - began < 1.5
            assert _unused(web) == 3


def _unused(web: LiveWeb) -> int:
    return len(web.rows("error_code = 'limits_unavailable' AND completion_tokens = 0"))
