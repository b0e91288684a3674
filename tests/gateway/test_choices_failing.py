"""Several choices live and die together: one that fails ends the request, and stops the others."""

import asyncio
from typing import Any

import pytest

from inference.gateway.replicas import FRESH_S
from tests.api.doors import CHAT, refusal
from tests.canned_runner import CannedRunner, Script
from tests.gateway.faulty_runner import FaultyRunner
from tests.live_web import LiveWeb, until

FIVE = Script(tokens=5)


@pytest.fixture
def model(live_web: LiveWeb) -> str:
    return live_web.stage()


def asking(model: str, **fields: Any) -> dict[str, Any]:
    return CHAT.asking(model=model, n=3, **fields)


async def test_one_that_fails_fails_the_request_and_the_others_are_cancelled(
    live_web: LiveWeb, model: str
) -> None:
    socket = live_web.folder / f"{model}.sock"
    bad = FaultyRunner(socket, model, fault="fails", words=2, code="bad_logits", only=":1")
    async with bad.announced(live_web.store()), live_web.async_client() as client:
        await asyncio.sleep(FRESH_S)
        answer = await client.post(CHAT.address, json=asking(model))
        assert (answer.status_code, refusal(answer).code) == (500, "bad_logits")
        assert bad.counters.cancelled == 2
        row = live_web.row(answer.headers["x-request-id"])
        assert (row["status"], row["error_code"]) == ("failed", "bad_logits")


async def test_where_one_is_refused_all_go_to_another_replica(
    live_web: LiveWeb, model: str
) -> None:
    full = FaultyRunner(live_web.folder / f"{model}-full.sock", model, fault="refuses", only=":2")
    good = CannedRunner(live_web.folder / f"{model}-good.sock", model, FIVE, running=8)
    async with (
        full.announced(live_web.store()),
        good.announced(live_web.store()),
        live_web.async_client() as client,
    ):
        await asyncio.sleep(FRESH_S)
        answer = await client.post(CHAT.address, json=asking(model))
        assert answer.status_code == 200
        assert len(answer.json()["choices"]) == 3
        assert good.counters.accepted == 3
        await until(lambda: full.counters.cancelled == 2, "what the first took is cancelled")


async def test_a_client_that_goes_away_stops_them_all(live_web: LiveWeb, model: str) -> None:
    slow = Script(tokens=1000, interval_s=0.02)
    async with live_web.runner(slow, model=model) as runner:
        async with (
            live_web.async_client() as client,
            client.stream("POST", CHAT.address, json=asking(model, stream=True)) as answer,
        ):
            await anext(answer.aiter_lines())
        await until(lambda: runner.counters.cancelled == 3, "each is cancelled")
        assert runner.running == 0
