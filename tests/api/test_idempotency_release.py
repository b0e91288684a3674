"""What did not end well is not kept: who asks again is really served."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.doors import DOORS, GenerationDoor, refusal
from tests.api.keyed import fresh_key, is_replay, post
from tests.canned_runner import Script
from tests.gateway.faulty_runner import FaultyRunner
from tests.live_web import LiveWeb, StartWeb, until

ENDLESS = Script(tokens=100_000, interval_s=0.5)


def records(web: LiveWeb) -> list[dict[str, Any]]:
    return web.sql("SELECT * FROM aiplatform_idempotencyrecord ORDER BY id")


async def test_a_refused_request_frees_its_key(live_web: LiveWeb) -> None:
    async with live_web.async_client() as client:
        key = fresh_key()
        for _ in range(2):
            refused = await post(client, key, model="asleep")
            assert refusal(refused).code == "model_not_ready"
        # The key stands for nothing, so that another body may take it.
        assert (await post(client, key)).status_code == 200


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_stream_that_ends_with_an_error_is_not_kept(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    model, key = live_web.stage(), fresh_key()
    socket = live_web.folder / f"{model}.sock"
    faulty = FaultyRunner(socket, model, fault="dies", words=3)
    async with live_web.async_client() as client:
        async with faulty.announced(live_web.store()):
            broken = await seen(live_web, client, key, door, model)
            assert "word" in broken.text
            assert "replica_lost" in broken.text
        async with live_web.runner(Script(tokens=4), model=model) as sound:
            answer = await post(client, key, door, model=model, stream=True)
            assert sound.counters.accepted == 1
    assert not is_replay(answer)
    assert answer.text.count("word") == 4
    assert answer.text.endswith("data: [DONE]\n\n")


async def seen(
    web: LiveWeb, client: httpx.AsyncClient, key: str, door: GenerationDoor, model: str
) -> httpx.Response:
    """Return the first answer that is not `there is no such replica yet`."""
    while (answer := await post(client, key, door, model=model, stream=True)).status_code == 503:
        assert refusal(answer).code == "model_not_ready"
    return answer


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_client_left_is_generated_anew_for_its_retry(
    live_web: LiveWeb, stream: bool
) -> None:
    async with live_web.runner(ENDLESS) as runner, live_web.async_client() as client:
        key = fresh_key()
        body = {"model": runner.model, "stream": stream, "max_tokens": 100}
        await leave(client, key, body, once=lambda: runner.counters.accepted)
        runner.script = Script(tokens=3)
        answer = await post(client, key, **body)
        assert runner.counters.accepted == 2
        await until(lambda: runner.counters.cancelled == 1, "the first was cancelled")
    assert not is_replay(answer)
    assert answer.text.count("word") >= 1


async def leave(
    client: httpx.AsyncClient, key: str, body: dict[str, Any], once: Callable[[], object]
) -> None:
    """Ask, and hang up without having read to the end."""
    asking = asyncio.create_task(post(client, key, **body))
    await until(once, "it is under way")
    asking.cancel()
    await asyncio.wait([asking])


async def test_an_answer_over_the_bound_is_given_and_not_kept(start_web: StartWeb) -> None:
    with start_web(IDEMPOTENCY_MAX_ANSWER_BYTES="1024") as web:
        long, short = Script(tokens=100, word="x" * 20), Script(tokens=2)
        async with web.runner(long) as runner, web.async_client() as client:
            for stream in (False, True):
                key, body = fresh_key(), {"model": runner.model, "stream": stream}
                runner.script = long
                for _ in range(2):
                    answer = await post(client, key, **body)
                    assert len(answer.content) > 1024
                    assert not is_replay(answer)
            assert runner.counters.accepted == 4
            runner.script = short
            key = fresh_key()
            await post(client, key, model=runner.model)
            assert is_replay(await post(client, key, model=runner.model))


async def test_an_answer_whose_time_is_over_is_generated_anew(live_web: LiveWeb) -> None:
    async with live_web.runner() as runner, live_web.async_client() as client:
        key = fresh_key()
        await post(client, key, model=runner.model)
        (*_, newest) = records(live_web)
        hours = "julianday(expires_at) - julianday('now') AS days"
        (left,) = live_web.sql(
            f"SELECT {hours} FROM aiplatform_idempotencyrecord WHERE id = ?", newest["id"]
        )
        assert 0.99 < left["days"] <= 1.01
        over = "UPDATE aiplatform_idempotencyrecord SET expires_at = ? WHERE id = ?"
        live_web.sql(over, "2001-01-01 00:00:00", newest["id"])
        # Another body too: the key stands for nothing any more.
        anew = await post(client, key, model=runner.model, temperature=0.5)
        assert not is_replay(anew)
        assert runner.counters.accepted == 2
        assert is_replay(await post(client, key, model=runner.model, temperature=0.5))
