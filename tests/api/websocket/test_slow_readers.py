"""A client that reads slowly slows itself alone, and is hung up on when it reads nothing."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.api.websocket.clients import opened, socket, text_of
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until

# Enough text that no buffer between the runner and the client holds it.
LONG = Script(tokens=120, interval_s=0.005, word="x" * 100_000)


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(WEBSOCKET_STALL_S="2", WEBSOCKET_IDLE_S="2") as one:
        yield one


async def test_one_that_stops_reading_for_a_while_loses_nothing(live_web: LiveWeb) -> None:
    async with live_web.runner(LONG) as runner, socket(live_web, max_queue=1) as slow:
        await slow.ask("a", runner.model)
        await until(lambda: runner.counters.finished == 1, "the runner has made it all")
        messages = await slow.whole("a")
        assert text_of(messages) == ("x" * 100_000 + " ") * 120
        assert len(messages) < 120, "what was made while it did not read came together"
        assert live_web.row(messages[-1]["request_id"])["status"] == "completed"


async def test_nobody_waits_for_a_slow_reader(live_web: LiveWeb) -> None:
    async def quickly(model: str) -> None:
        async with socket(live_web) as client:
            await client.ask("b", model)
            assert text_of(await client.whole("b")) == "word " * 20

    quick = Script(tokens=20, interval_s=0.01)
    async with (
        live_web.runner(LONG) as long,
        live_web.runner(quick) as short,
        socket(live_web, max_queue=1) as slow,
    ):
        await slow.ask("a", long.model)
        await until(lambda: long.counters.finished == 1, "the runner has made it all")
        began = time.monotonic()
        await asyncio.gather(*(quickly(short.model) for _ in range(5)))
        assert time.monotonic() - began < 5
        assert text_of(await slow.whole("a")) == ("x" * 100_000 + " ") * 120


async def test_one_that_reads_nothing_is_hung_up_on_and_cancelled(web: LiveWeb) -> None:
    script = Script(tokens=100_000, interval_s=0.1, word="x" * 1_000_000)
    async with web.runner(script) as runner, socket(web, max_queue=1) as slow:
        await slow.ask("a", runner.model)
        await until(lambda: runner.counters.accepted == 1, "it began")
        await until(lambda: runner.running == 0, "the runner is free", seconds=15)
        await until(lambda: web.rows("model_name = ?", runner.model), "the row")
        (row,) = web.rows("model_name = ?", runner.model)
        assert row["status"] == "cancelled"
        assert row["completion_tokens"] == runner.counters.tokens
        await until(lambda: 4410 in closes(web), "the line in the log")
        slow.vanish()  # rather than wait for what it never read


async def test_an_idle_socket_is_closed_and_a_busy_one_is_not(web: LiveWeb) -> None:
    script = Script(tokens=40, interval_s=0.1)
    async with web.runner(script) as runner, socket(web) as idle, socket(web) as busy:
        await busy.ask("a", runner.model)
        assert (await idle.closed())[0] == 4408
        assert text_of(await busy.whole("a")) == "word " * 40
        await busy.say("ping", nonce="it is idle from now on")
        assert (await busy.next())["type"] == "pong"


async def test_whoever_says_nothing_at_all_is_hung_up_on(web: LiveWeb) -> None:
    async with opened(web) as client:
        assert await client.closed() == (4401, "No credentials came in time.")


def closes(web: LiveWeb) -> list[int]:
    return [one["closed_with"] for one in web.log_lines() if one["event"] == "websocket"]
