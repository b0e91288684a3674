"""Limits are exact: never one over, and all that was not used is back at once."""

import asyncio
import random

import pytest
import redis
from pytest_django import Settings

from accounts.limit_rules import LimitRule
from aiplatform.errors import ApiError
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.peek import limits_peek
from inference.gateway.limits.reservation import Reservation
from inference.gateway.spec import GenerationSpec
from tests.gateway.limit_cast import admitted, ask, at_once, caller, request, rule, settle_all

pytestmark = pytest.mark.django_db(transaction=True)

# Ten requests of ten tokens (4 + 6), which cost 4 x 1,000 + 6 x 2,000 = 16,000e-12: 16 units each.
BUDGETS = [
    rule("requests", "minute", 10),
    rule("requests", "total", 10),
    rule("tokens", "minute", 100),
    rule("tokens", "hour", 109),
    rule("tokens", "day", 100),
    rule("cost", "month", 160),
    rule("cost", "minute", 175),
    rule("concurrency", "now", 10),
    rule("tokens", "minute", 100, per="key"),
    rule("requests", "day", 10, per="model"),
    rule("requests", "hour", 10, per="user_model"),
    rule("tokens", "hour", 100, per="key_model"),
    rule("requests", "minute", 10, model_name="tiny"),
]


@pytest.mark.parametrize(
    "budget", BUDGETS, ids=lambda one: f"{one.resource}-{one.window}-{one.per}"
)
async def test_of_fifty_at_once_exactly_ten_get_in_and_cancelled_all_is_back(
    store: "redis.Redis", budget: LimitRule
) -> None:
    who = caller(budget)
    for _ in range(2):
        answers = await at_once(50, who, request())
        refused = [one for one in answers if isinstance(one, ApiError)]
        assert len(admitted(answers)) == 10
        assert {(one.status, one.code) for one in refused} == {(429, f"{budget.resource}_limit")}
        await settle_all(answers)  # cancelled before anything was made
    (state,) = await limits_peek(who, "tiny")
    assert (state.used, state.reserved) == (0, 0)


async def test_what_was_used_stays_and_the_rest_is_back(store: "redis.Redis") -> None:
    who = caller(rule("tokens", "hour", 100))
    answers = await at_once(10, who, request())
    await settle_all(answers, Amounts(requests=1, tokens=7))
    (state,) = await limits_peek(who, "tiny")
    assert (state.used, state.reserved, state.remaining) == (70, 0, 30)
    assert len(admitted(await at_once(10, who, request()))) == 3


async def test_all_or_nothing_is_set_aside(store: "redis.Redis") -> None:
    who = caller(rule("requests", "minute", 100), rule("tokens", "day", 10))
    assert len(admitted(await at_once(20, who, request()))) == 1
    requests, tokens = await limits_peek(who, "tiny")
    assert (requests.reserved, tokens.reserved) == (1, 10)


async def test_one_users_use_is_not_anothers(store: "redis.Redis") -> None:
    budget = rule("requests", "day", 3)
    for user_id in (1, 2, 3):
        assert len(admitted(await at_once(9, caller(budget, user_id=user_id), request()))) == 3


async def test_a_models_limit_counts_all_users_together(store: "redis.Redis") -> None:
    budget = rule("requests", "day", 5, per="model", model_name="tiny", source="platform")
    asking = [ask(caller(budget, user_id=number), request()) for number in range(20)]
    assert len(admitted(await asyncio.gather(*asking))) == 5
    assert len(admitted(await at_once(3, caller(budget), request(model="other")))) == 3


async def test_a_limit_of_zero_refuses_everything(store: "redis.Redis") -> None:
    for resource, window in (("requests", "minute"), ("tokens", "total"), ("concurrency", "now")):
        refusal = await ask(caller(rule(resource, window, 0)), request())
        assert isinstance(refusal, ApiError)
        assert (refusal.status, refusal.code) == (429, f"{resource}_limit")
        assert int(refusal.headers()["Retry-After"]) > 0


async def test_a_limit_that_comes_while_requests_run_counts_them(store: "redis.Redis") -> None:
    unbounded = await at_once(5, caller(), request())
    late = caller(rule("tokens", "day", 60))
    assert len(admitted(await at_once(1, late, request()))) == 1  # it is counted from now on
    await settle_all(unbounded, Amounts(requests=1, tokens=9))
    (state,) = await limits_peek(late, "tiny")
    assert (state.used, state.reserved) == (45, 10)


@pytest.mark.parametrize("seed", range(20))
async def test_no_interleaving_goes_one_over(
    store: "redis.Redis", settings: Settings, seed: int
) -> None:
    """Twenty random histories of asking, ending and vanishing over several limits at once."""
    dice = random.Random(seed)
    settings.MAX_CONCURRENT_PER_USER = 40
    bounds = [
        rule("requests", "hour", dice.randint(5, 40)),
        rule("tokens", "day", dice.randint(50, 600)),
        rule("cost", "total", dice.randint(100, 900)),
        rule("concurrency", "now", dice.randint(1, 12)),
    ]
    who, used = caller(*bounds), Amounts()
    under_way: list[tuple[Reservation, GenerationSpec]] = []

    async def end(one: Reservation, what: GenerationSpec) -> None:
        nonlocal used
        made = dice.randint(0, what.max_tokens)
        tokens = made and made + len(what.prompt)
        spent = Amounts(int(made > 0), tokens, cost=2 * made)
        used = Amounts(*(sum(pair) for pair in zip(used, spent, strict=True)))
        await one.settle(spent)

    for _ in range(25):
        what = request(prompt=dice.randint(1, 20), max_tokens=dice.randint(1, 30))
        answers = await at_once(dice.randint(1, 8), who, what)
        under_way += [(one, what) for one in admitted(answers)]
        dice.shuffle(under_way)
        ending, under_way = under_way[: (half := len(under_way) // 2)], under_way[half:]
        await asyncio.gather(*(end(*one) for one in ending))
        for state, spent in zip(await limits_peek(who, "tiny"), used[: len(bounds)], strict=True):
            assert state.used == spent
            assert state.used + state.reserved <= state.rule.amount
    await asyncio.gather(*(end(*one) for one in under_way))
    for state, spent in zip(await limits_peek(who, "tiny"), used[: len(bounds)], strict=True):
        assert (state.used, state.reserved) == (spent, 0)
