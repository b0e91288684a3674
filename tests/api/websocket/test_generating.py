"""Generations over a websocket: what is said, in which order, and what is kept of it."""

import asyncio
from typing import Any

from tests.api.websocket.clients import socket, text_of
from tests.canned_runner import Script
from tests.live_web import LiveWeb, until


async def test_a_generation_is_accepted_told_and_finished_with_its_account(
    live_web: LiveWeb,
) -> None:
    async with socket(live_web, user_agent_header="browser/1") as client:
        await client.ask("a")
        messages = await client.whole("a")
    accepted, *deltas, finished = messages
    assert accepted["type"] == "accepted"
    assert accepted["model"] == "tiny"
    assert accepted["resume_s"] is None
    assert {message["type"] for message in deltas} == {"delta"}
    assert text_of(messages) == "word " * 5
    assert finished["type"] == "finished"
    assert finished["finish_reason"] == "stop"
    usage = finished["usage"]
    assert usage["completion_tokens"] == 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + 5 == accepted["prompt_tokens"] + 5
    assert finished["timings"]["duration_ms"] >= finished["timings"]["ttft_ms"] > 0
    # It was kept before it was told.
    row = live_web.row(finished["request_id"])
    assert (row["door"], row["status"], row["stream"]) == ("ws/generate", "completed", 1)
    assert (row["client_address"], row["user_agent"]) == ("127.0.0.1", "browser/1")
    (line,) = [
        one for one in live_web.log_lines(finished["request_id"]) if one["event"] == "request"
    ]
    assert (line["status"], line["user"], line["completion_tokens"]) == (200, "ada", 5)


async def test_a_prompt_is_completed_with_the_parameters_of_v1(live_web: LiveWeb) -> None:
    async with live_web.runner(Script(tokens=9)) as runner, socket(live_web) as client:
        parameters = {"max_tokens": 3, "temperature": 0.5, "seed": 7}
        await client.say(
            "generate", id="p", model=runner.model, prompt="Once", parameters=parameters
        )
        finished = (await client.whole("p"))[-1]
        assert finished["finish_reason"] == "length"
        (submit,) = runner.counters.submits
        assert (submit.max_tokens, submit.sampling.temperature, submit.sampling.seed) == (3, 0.5, 7)


async def test_several_choices_and_logprobs_come_with_their_choice(live_web: LiveWeb) -> None:
    async with socket(live_web) as client:
        await client.ask("n", parameters={"n": 2, "logprobs": True, "top_logprobs": 1})
        messages = await client.whole("n")
    deltas = [message for message in messages if message["type"] == "delta"]
    assert {message.get("choice", 0) for message in deltas} == {0, 1}
    assert deltas[0]["logprobs"][0]["token"] == "word "
    assert messages[-1]["finish_reasons"] == ["stop", "stop"]


async def test_many_generations_of_one_socket_are_interleaved(live_web: LiveWeb) -> None:
    script = Script(tokens=20, interval_s=0.02)
    async with live_web.runner(script) as runner, socket(live_web) as client:
        names = [f"g{number}" for number in range(8)]
        for named in names:
            await client.ask(named, runner.model)
        order = []
        messages: dict[str, list[dict[str, Any]]] = {named: [] for named in names}
        while sum(one[-1]["type"] == "finished" for one in messages.values() if one) < 8:
            message = await client.next()
            order.append(message["id"])
            messages[message["id"]].append(message)
        for named in names:
            assert text_of(messages[named]) == "word " * 20
        first_end = min(order.index(named) + len(messages[named]) for named in names)
        assert first_end < len(order) / 2, "one came after the other"


async def test_one_is_cancelled_and_the_others_go_on(live_web: LiveWeb) -> None:
    script = Script(tokens=60, interval_s=0.02)
    async with live_web.runner(script) as runner, socket(live_web) as client:
        await client.ask("stays", runner.model)
        await client.ask("goes", runner.model)
        await client.of("goes", "delta")
        await client.say("cancel", id="goes")
        finished = await client.of("goes", "finished")
        assert finished["finish_reason"] == "cancelled"
        assert 0 < finished["usage"]["completion_tokens"] < 60
        row = live_web.row(finished["request_id"])
        assert (row["status"], row["finish_reason"]) == ("cancelled", "cancelled")
        assert row["completion_tokens"] == finished["usage"]["completion_tokens"]
        assert text_of(await client.whole("stays")) == "word " * 60
        await client.ask("goes", "tiny")  # the id is free again
        assert (await client.whole("goes"))[-1]["type"] == "finished"


async def test_its_place_in_the_queue_is_told(live_web: LiveWeb) -> None:
    async with live_web.runner(Script(ahead=3)) as runner, socket(live_web) as client:
        await client.ask("q", runner.model)
        accepted, queued, *_ = await client.whole("q")
        assert (accepted["type"], queued["type"]) == ("accepted", "queued")
        assert (queued["position"], queued["estimated_s"]) == (3, 1.5)


async def test_a_client_that_vanishes_is_cancelled(live_web: LiveWeb) -> None:
    script = Script(tokens=10_000, interval_s=0.02)
    async with live_web.runner(script) as runner:
        async with socket(live_web) as client:
            for named in ("a", "b"):
                await client.ask(named, runner.model)
                await client.of(named, "delta")
            client.vanish()
        await until(lambda: runner.running == 0, "the runner is free", seconds=5)
        await until(lambda: len(live_web.rows("model_name = ?", runner.model)) == 2, "the rows")
        rows = live_web.rows("model_name = ?", runner.model)
        assert {row["status"] for row in rows} == {"cancelled"}
        assert sum(row["completion_tokens"] for row in rows) == runner.counters.tokens > 0


async def test_a_hundred_sockets_get_every_token_in_order(live_web: LiveWeb) -> None:
    async def one(model: str) -> str:
        async with socket(live_web) as client:
            await client.ask("x", model)
            return text_of(await client.whole("x"))

    script = Script(tokens=30, interval_s=0.02)
    async with live_web.runner(script, slots=128) as runner:
        texts = await asyncio.gather(*(one(runner.model) for _ in range(100)))
        assert texts == ["word " * 30] * 100


async def test_a_ping_is_answered_even_before_anybody_is_known(live_web: LiveWeb) -> None:
    async with socket(live_web) as client:
        await client.say("ping", nonce="n1")
        assert await client.next() == {"type": "pong", "nonce": "n1"}
