"""The history is the ledger: counters are read from it, rebuilt from it and compared with it."""

import asyncio
import time
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command

from accounts.models import User
from aiplatform.errors import ApiError
from inference.gateway.admission import admit
from inference.gateway.history import entries_write
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.peek import limits_peek
from inference.gateway.limits.rebuilding import counters_rebuild, drift_find
from inference.gateway.models import UsageDay
from tests.gateway.entries import entry
from tests.gateway.limit_cast import admitted, ask, at_once, caller, request, rule, settle_all
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

DAY_S = 86_400


@pytest.fixture
def ada(store: "redis.Redis") -> User:
    return person("ada")


def answered(user: User, seconds_ago: float, *, skew_s: float = 0, **fields: Any) -> None:
    """Put a request into the history that was answered then; the web's clock may be off."""
    moment = time.time() - seconds_ago
    by_the_web = moment + skew_s
    values: dict[str, Any] = {
        "charged_requests": 1,
        "charged_tokens": 10,
        "cost_nano": 16,
        "model_name": "tiny",
        "counted_at": int(moment * 1000),
        "created_at": datetime.fromtimestamp(by_the_web, UTC),
        **fields,
    }
    row = entry(user_id=user.pk, **values)
    row.id = row.id.__class__(int=(int(by_the_web * 1000) << 80) | (row.id.int & ((1 << 80) - 1)))
    entries_write([row])


async def used(user: User, *rules: Any) -> list[int]:
    return [state.used for state in await limits_peek(caller(*rules, user_id=user.pk), "tiny")]


async def test_a_counter_that_the_store_does_not_know_is_read_from_the_history(ada: User) -> None:
    def write() -> None:
        for seconds in (5, 30 * 60, 5 * 3600, 20 * DAY_S, 100 * DAY_S):
            answered(ada, seconds)

    await asyncio.to_thread(write)
    windows = ("minute", "hour", "day", "month", "total")
    rules = [rule("tokens", window, 1000) for window in windows]
    assert await used(ada, *rules) == [10, 20, 30, 40, 50]
    assert await used(ada, *(rule("requests", one, 99, per="user_model") for one in windows)) == [
        *(1, 2, 3, 4, 5)
    ]
    assert await used(ada, *(rule("cost", one, 99, per="model") for one in windows)) == [
        *(16, 32, 48, 64, 80)
    ]
    assert await used(ada, *(rule("requests", one, 99, model_name="other") for one in windows)) == (
        []
    )


async def test_a_store_that_lost_its_memory_forgives_nothing(
    store: "redis.Redis", ada: User
) -> None:
    who = caller(rule("requests", "day", 10), user_id=ada.pk)
    for _ in range(7):
        await asyncio.to_thread(answered, ada, 60)
    store.flushall()
    assert len(admitted(await at_once(20, who, request()))) == 3


@pytest.mark.parametrize("skew_s", [-3600, 3600])
async def test_a_web_whose_clock_is_off_changes_nothing(ada: User, skew_s: float) -> None:
    for seconds_ago in (5, 30 * 60, 90 * 60):
        await asyncio.to_thread(answered, ada, seconds_ago, skew_s=skew_s)
    rules = [rule("requests", window, 9) for window in ("minute", "hour", "day")]
    assert await used(ada, *rules) == [1, 2, 3]


async def test_a_window_slides_and_the_refusal_says_when(ada: User) -> None:
    await asyncio.to_thread(answered, ada, 57.5)
    who = caller(rule("requests", "minute", 1), user_id=ada.pk)
    refusal = await ask(who, request())
    assert isinstance(refusal, ApiError)
    assert refusal.retry_after is not None
    assert 1 < refusal.retry_after <= 3.6  # when the 60 seconds are over, and its bucket
    await asyncio.sleep(refusal.retry_after)
    assert not isinstance(await ask(who, request()), ApiError)


async def test_rebuilding_finds_the_same_numbers_and_keeps_what_is_reserved(
    store: "redis.Redis", ada: User
) -> None:
    for _ in range(5):
        await asyncio.to_thread(answered, ada, 60)
    rules = [rule("tokens", "day", 1000), rule("tokens", "total", 1000)]
    who = caller(*rules, rule("concurrency", "now", 50), user_id=ada.pk)
    under_way = await at_once(4, who, request())
    before = await limits_peek(who, "tiny")
    for key in store.keys("use:*"):
        store.hincrby(key, "r", 77)
        if ":now" not in str(key):
            store.hincrby(key, "u", 1234)
    assert {drift.counted - drift.in_history for drift in await drift_find()} == {1234}
    assert await counters_rebuild() == len(store.keys("use:*"))
    after = await limits_peek(who, "tiny")
    assert [state[:4] for state in after] == [state[:4] for state in before]
    assert await drift_find() == []
    await settle_all(under_way)
    assert [state.reserved for state in await limits_peek(who, "tiny")] == [0, 0, 0]


async def test_what_is_settled_agrees_with_the_history(ada: User) -> None:
    who = caller(rule("tokens", "hour", 10_000), rule("cost", "month", 10**9), user_id=ada.pk)
    for _ in range(3):
        asked = entry(user_id=ada.pk, model_name="tiny", charged_requests=1, charged_tokens=9)
        asked.cost_nano = 14
        reservation = await admit(asked, who, request())
        await asyncio.to_thread(entries_write, [asked])
        await reservation.settle(Amounts(1, 9, 14))
    assert [state.used for state in await limits_peek(who, "tiny")] == [27, 42]
    assert await drift_find() == []


def test_the_command_says_what_differs_and_mends_it(store: "redis.Redis", ada: User) -> None:
    answered(ada, 60)
    who = caller(rule("tokens", "day", 1000), user_id=ada.pk)
    asyncio.run(limits_peek(who, "tiny"))
    key = f"use:user:{ada.pk}:tokens:day"
    store.hset(key, "u", 99)
    said = StringIO()
    with pytest.raises(CommandError, match="1 counters differ"):
        call_command("rebuild_counters", "--check", stdout=said)
    assert f"{key}: counted 99, in the history 10" in said.getvalue()
    call_command("rebuild_counters", stdout=said)
    call_command("rebuild_counters", "--check", stdout=said)
    assert "Every counter agrees" in said.getvalue()


def test_a_request_settled_twice_is_counted_once(ada: User) -> None:
    row = entry(user_id=ada.pk, charged_tokens=5)
    entries_write([row])
    entries_write([row, entry(user_id=ada.pk, charged_tokens=7)])
    assert sum(day.charged_tokens for day in UsageDay.objects.all()) == 12
