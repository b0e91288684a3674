"""Admission: never more at once than allowed, whoever asks how, and nothing held for good."""

import asyncio
import time
from collections import Counter
from typing import Any

import httpx
import pytest
import redis
from pytest_django import Settings

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.snapshot import Snapshot
from inference.engine.wire import Sampling
from inference.gateway import admission, replicas
from inference.gateway.admission import Lease, admit
from inference.gateway.served import ServedModel
from inference.gateway.spec import GenerationSpec
from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until


@pytest.fixture(autouse=True)
def forget_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """See what each test's own store announces, not what the last test's did."""
    monkeypatch.setattr(replicas, "_announced", Snapshot(replicas._read, replicas.FRESH_S))


def principal(user_id: int = 1) -> Principal:
    return Principal(user_id, "ada", False, None, "", frozenset())


def spec(slots: int = 1000, max_queue: int = 0) -> GenerationSpec:
    fields: dict[str, Any] = {"task": "chat", "is_default": True, "directory": "", "created": 0}
    model = ServedModel(
        id=1,
        name="tiny",
        context_length=100,
        max_output_tokens=100,
        slots=slots,
        max_queue=max_queue,
        default_temperature=1.0,
        default_top_p=1.0,
        **fields,
    )
    return GenerationSpec(model, [1], "x", 10, Sampling(), [], False)


async def ask(name: str, who: Principal, what: GenerationSpec) -> Lease | ApiError:
    try:
        return await admit(name, who, what)
    except ApiError as error:
        return error


async def at_once(count: int, what: GenerationSpec, users: int = 1) -> list[Lease | ApiError]:
    asked = [ask(f"r{n}", principal(n % users), what) for n in range(count)]
    return await asyncio.gather(*asked)


async def release_all(answers: list[Lease | ApiError]) -> None:
    await asyncio.gather(*(one.release() for one in answers if isinstance(one, Lease)))


@pytest.mark.parametrize("bound", [1, 7, 49])
async def test_of_fifty_at_once_exactly_as_many_as_allowed_get_in(
    store: "redis.Redis", settings: Settings, bound: int
) -> None:
    settings.MAX_CONCURRENT_PER_USER = bound
    answers = await at_once(50, spec())
    assert Counter(type(one) for one in answers) == {Lease: bound, ApiError: 50 - bound}
    refused = next(one for one in answers if isinstance(one, ApiError))
    assert (refused.status, refused.code) == (429, "concurrency_limit")
    assert str(bound) in refused.detail
    assert refused.headers()["Retry-After"].isdigit()
    await release_all(answers)


async def test_the_models_bound_holds_over_all_users_together(store: "redis.Redis") -> None:
    answers = await at_once(50, spec(slots=8, max_queue=3), users=50)
    assert Counter(type(one) for one in answers) == {Lease: 11, ApiError: 39}
    refused = next(one for one in answers if isinstance(one, ApiError))
    assert (refused.status, refused.code) == (503, "queue_full")
    assert refused.retry_after is not None
    await release_all(answers)


async def test_who_is_refused_by_one_bound_takes_no_place_under_another(
    store: "redis.Redis",
) -> None:
    answers = await at_once(20, spec(slots=1), users=1)
    assert store.zcard("lease:user:0") == store.zcard("lease:model:tiny") == 1
    await release_all(answers)


async def test_a_place_given_back_is_free_at_once(store: "redis.Redis", settings: Settings) -> None:
    settings.MAX_CONCURRENT_PER_USER = 1
    for number in range(5):
        lease = await admit(f"r{number}", principal(), spec())
        await lease.release()
    assert store.zcard("lease:user:1") == 0


async def test_one_users_places_are_not_anothers(store: "redis.Redis", settings: Settings) -> None:
    settings.MAX_CONCURRENT_PER_USER = 2
    answers = await at_once(6, spec(), users=3)
    assert all(isinstance(one, Lease) for one in answers)
    await release_all(answers)


async def test_a_lease_whose_holder_died_expires_by_itself(
    store: "redis.Redis", settings: Settings
) -> None:
    settings.MAX_CONCURRENT_PER_USER, settings.LEASE_TTL_S = 1, 0.3
    await admit("dead", principal(), spec())
    del admission._held["dead"]  # as if its process had been killed
    assert isinstance(await ask("next", principal(), spec()), ApiError)
    began = time.monotonic()
    while isinstance(lease := await ask("next", principal(), spec()), ApiError):
        assert time.monotonic() - began < 2
    await lease.release()


async def test_a_lease_that_is_held_outlives_its_time_to_live(
    store: "redis.Redis", settings: Settings
) -> None:
    settings.LEASE_TTL_S = 0.4
    lease = await admit("long", principal(), spec())
    await asyncio.sleep(1.2)  # three lives
    expires = store.zscore("lease:user:1", "long")
    assert expires is not None
    assert float(expires) > time.time() * 1000
    await lease.release()
    await asyncio.sleep(0.3)  # a renewal later
    assert store.zcard("lease:user:1") == 0


async def test_one_cancelled_while_it_is_admitted_holds_no_place(store: "redis.Redis") -> None:
    for turn in range(30):
        asking = asyncio.create_task(admit(f"r{turn}", principal(), spec()))
        for _ in range(turn):
            await asyncio.sleep(0)
        asking.cancel()
        outcome = (await asyncio.gather(asking, return_exceptions=True))[0]
        if isinstance(outcome, Lease):
            await outcome.release()
    assert store.zcard("lease:user:1") == 0
    assert not admission._held


async def test_without_the_store_nobody_is_admitted(store_away: None) -> None:
    began = time.monotonic()
    answer = await ask("r", principal(), spec())
    assert isinstance(answer, ApiError)
    assert (answer.status, answer.code) == (503, "limits_unavailable")
    assert "Retry-After" in answer.headers()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_at_the_doors_fifty_at_once_never_exceed_the_bound(
    start_web: StartWeb, door: GenerationDoor
) -> None:
    with start_web(MAX_CONCURRENT_PER_USER="4") as web:
        async with web.runner(Script(delay_s=1.0)) as runner, web.async_client() as client:
            body = door.asking(model=runner.model)
            answers = await asyncio.gather(
                *(client.post(door.address, json=body) for _ in range(50))
            )
            assert Counter(one.status_code for one in answers) == {200: 4, 429: 46}
            assert runner.counters.accepted == 4
            _check_refusals(answers)
            await until(lambda: not any(web.leases().values()), "every lease is released")
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
