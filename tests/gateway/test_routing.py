"""Which replica answers, and what a caller sees when one dies, refuses or is not there."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from inference.gateway.replicas import BREAK_S, FRESH_S
from inference.registry.directory import announce
from tests.api.doors import CHAT, DOORS, GenerationDoor, refusal
from tests.canned_runner import CannedRunner, Script
from tests.gateway.faulty_runner import FaultyRunner
from tests.live_web import LiveWeb, until
from tests.sse import DONE, events

FIVE = Script(tokens=5)
BUSY = 8  # what a replica reports that should be picked last


@pytest.fixture
def model(live_web: LiveWeb) -> str:
    return live_web.stage()


@pytest.fixture
def faulty(live_web: LiveWeb, model: str) -> Callable[..., FaultyRunner]:
    numbers = iter(range(10))

    def make(fault: str, **fields: Any) -> FaultyRunner:
        socket = live_web.folder / f"{model}-faulty-{next(numbers)}.sock"
        return FaultyRunner(socket, model, fault=fault, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture
def good(live_web: LiveWeb, model: str) -> CannedRunner:
    return CannedRunner(live_web.folder / f"{model}-good.sock", model, FIVE, running=BUSY)


@asynccontextmanager
async def serving(web: LiveWeb, *runners: CannedRunner) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        for runner in runners:
            await stack.enter_async_context(runner.announced(web.store()))
        await asyncio.sleep(FRESH_S)  # as old as what the web knows may be
        yield await stack.enter_async_context(web.async_client())


@pytest.mark.parametrize("stream", [False, True])
async def test_a_replica_that_dies_before_any_text_is_replaced_unnoticed(
    live_web: LiveWeb,
    model: str,
    good: CannedRunner,
    faulty: Callable[..., FaultyRunner],
    stream: bool,
) -> None:
    bad = faulty("dies")
    async with serving(live_web, bad, good) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model, stream=stream))
        assert answer.status_code == 200
        assert answer.text.count("word") == 5
        assert answer.text.count('"role":"assistant"') == 1
        assert bad.counters.accepted == 1
        row = live_web.row(answer.headers["x-request-id"])
        assert (row["status"], row["replica"]) == ("completed", good.replica_id)
        assert row["completion_tokens"] == 5


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_stream_whose_replica_dies_ends_with_an_error_event(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner], door: GenerationDoor
) -> None:
    async with serving(live_web, faulty("dies", words=3)) as client:
        answer = await client.post(door.address, json=door.asking(model=model, stream=True))
        assert answer.status_code == 200
        *before, last = events(answer.text)
        assert "word" in str(before)
        assert DONE not in [event.data for event in (*before, last)]
        error = last.data["error"] if door.openai else last.data
        assert error["code"] == "replica_lost"
        assert last.name == ("message" if door.openai else "error")
        row = live_web.row(answer.headers["x-request-id"])
        assert (row["status"], row["error_code"]) == ("failed", "replica_lost")
        assert row["completion_tokens"] == 3


@pytest.mark.parametrize("fault", ["dies", "garbage"])
async def test_a_whole_answer_whose_replica_dies_is_503_and_what_was_made_is_counted(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner], fault: str
) -> None:
    async with serving(live_web, faulty(fault, words=3)) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert refusal(answer).code == "replica_lost"
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert live_web.row(answer.headers["x-request-id"])["completion_tokens"] == 3


async def test_a_replica_that_fails_says_why(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner]
) -> None:
    async with serving(live_web, faulty("fails", words=2, code="engine_error")) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert (answer.status_code, refusal(answer).code) == (500, "engine_error")
        row = live_web.row(answer.headers["x-request-id"])
        assert (row["status"], row["completion_tokens"]) == ("failed", 2)


async def test_a_replica_that_failed_is_left_alone_for_a_while_and_then_tried_again(
    live_web: LiveWeb, model: str, good: CannedRunner, faulty: Callable[..., FaultyRunner]
) -> None:
    bad = faulty("dies")
    body = CHAT.asking(model=model)
    async with serving(live_web, bad, good) as client:
        failed_at = time.monotonic()
        while time.monotonic() - failed_at < BREAK_S * 0.6:
            assert (await client.post(CHAT.address, json=body)).status_code == 200
        assert bad.counters.accepted == 1
        while bad.counters.accepted == 1:
            assert (await client.post(CHAT.address, json=body)).status_code == 200
            assert time.monotonic() - failed_at < BREAK_S * 6
        assert time.monotonic() - failed_at >= BREAK_S


async def test_the_only_replica_in_its_pause_is_not_called_ready(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner]
) -> None:
    async with serving(live_web, faulty("dies")) as client:
        body = CHAT.asking(model=model)
        assert refusal(await client.post(CHAT.address, json=body)).code == "replica_lost"
        answer = refusal(await client.post(CHAT.address, json=body))
        assert (answer.status, answer.code) == (503, "model_not_ready")
        assert not answer.detail.endswith("is ready: ready.")


async def test_when_no_replica_takes_it_the_answer_comes_at_once(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner]
) -> None:
    # The first refuses on an open connection, the second is announced and does not listen.
    full, gone = faulty("refuses"), faulty("dies", running=BUSY)
    async with serving(live_web, full) as client:
        announce(live_web.store(), gone.replica())
        await asyncio.sleep(FRESH_S)
        began = time.monotonic()
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert refusal(answer).status == 503
        assert time.monotonic() - began < 1
        assert live_web.row(answer.headers["x-request-id"])["completion_tokens"] == 0


@pytest.mark.parametrize("code", ["queue_full", "draining", "loading"])
async def test_a_replica_that_refuses_is_passed_over(
    live_web: LiveWeb,
    model: str,
    good: CannedRunner,
    faulty: Callable[..., FaultyRunner],
    code: str,
) -> None:
    full = faulty("refuses", code=code)
    async with serving(live_web, full, good) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert answer.status_code == 200
        assert full.counters.accepted == 1


async def test_when_all_refuse_nobody_is_called_dead(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner]
) -> None:
    async with serving(live_web, faulty("refuses")) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert refusal(answer).status == 503
        assert "died" not in refusal(answer).detail
        assert "queue_full" in answer.text
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_replica_of_another_version_is_not_spoken_to(
    live_web: LiveWeb, model: str, good: CannedRunner, faulty: Callable[..., FaultyRunner]
) -> None:
    newer = faulty("other version")
    async with serving(live_web, newer, good) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert answer.status_code == 200
        assert newer.counters.accepted == 0
        await until(lambda: newer.open_connections == 0, "its connection is closed")


async def test_a_replica_that_does_not_greet_is_given_up_and_hung_up_on(
    live_web: LiveWeb, model: str, good: CannedRunner, faulty: Callable[..., FaultyRunner]
) -> None:
    silent = faulty("silent")
    async with serving(live_web, silent, good) as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert answer.status_code == 200
        await until(lambda: silent.open_connections == 0, "its connection is closed")


async def test_many_requests_share_one_connection(
    live_web: LiveWeb, model: str, faulty: Callable[..., FaultyRunner]
) -> None:
    runner = faulty("fails", words=1, code="engine_error")
    async with serving(live_web, runner) as client:
        body = CHAT.asking(model=model)
        await asyncio.gather(*(client.post(CHAT.address, json=body) for _ in range(20)))
        assert runner.counters.accepted == 20
        assert runner.open_connections == 1


async def test_the_replica_with_less_to_do_is_picked(live_web: LiveWeb, model: str) -> None:
    busy = CannedRunner(live_web.folder / f"{model}-busy.sock", model, FIVE, running=BUSY)
    idle = CannedRunner(live_web.folder / f"{model}-idle.sock", model, FIVE)
    async with serving(live_web, busy, idle) as client:
        for _ in range(5):
            await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert (idle.counters.accepted, busy.counters.accepted) == (5, 0)


@pytest.mark.parametrize("state", ["loading", "fetching", "stuck", "failed", "draining"])
async def test_a_model_whose_replica_is_not_ready_says_its_state(
    live_web: LiveWeb, model: str, good: CannedRunner, state: str
) -> None:
    announce(live_web.store(), msgspec.structs.replace(good.replica(), state=state))
    await asyncio.sleep(FRESH_S)
    async with live_web.async_client() as client:
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert refusal(answer).code == "model_not_ready"
        assert state in refusal(answer).detail
        assert int(answer.headers["retry-after"]) >= 1
