"""A client that goes away frees what it held, and is accounted for exactly."""

import asyncio
import contextlib
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor
from tests.canned_runner import CannedRunner, Script
from tests.live_cast import MAX_OUTPUT_TOKENS
from tests.live_web import LiveWeb, until

# A token every 20 ms until long after any test has gone.
ENDLESS = Script(tokens=100_000, interval_s=0.02)


def asking(door: GenerationDoor, model: str, *, stream: bool) -> dict[str, Any]:
    bound = {door.max_tokens_field: MAX_OUTPUT_TOKENS}
    return door.asking(model=model, stream=stream, **bound)


async def read_some(response: httpx.Response, events: int) -> None:
    seen = 0
    async for line in response.aiter_lines():
        seen += line.startswith("data: ")
        if seen >= events:
            return


def ended(web: LiveWeb, model: str, count: int = 1) -> bool:
    return len(web.rows("model_name = ?", model)) == count


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_vanishing_in_mid_stream_frees_the_runner_within_a_second(
    live_web: LiveWeb, door: GenerationDoor
) -> None:
    async with live_web.runner(ENDLESS) as runner, live_web.async_client() as client:
        body = asking(door, runner.model, stream=True)
        async with client.stream("POST", door.address, json=body) as response:
            await read_some(response, 5)
            assert runner.running == 1
        began = time.monotonic()
        await until(lambda: runner.running == 0, "the runner is free", seconds=1)
        assert time.monotonic() - began < 1
        await until(lambda: ended(live_web, runner.model), "the row")
        row = live_web.row(response.headers["x-request-id"])
        assert (row["status"], row["finish_reason"]) == ("cancelled", "cancelled")
        assert row["completion_tokens"] == runner.counters.tokens >= 4
        body_row = live_web.body(response.headers["x-request-id"])
        assert body_row is not None
        assert body_row["completion"].startswith("word word")


async def test_vanishing_while_waiting_for_a_whole_answer_frees_the_runner(
    live_web: LiveWeb,
) -> None:
    async with live_web.runner(ENDLESS) as runner, live_web.async_client() as client:
        body = asking(CHAT, runner.model, stream=False)
        with pytest.raises(httpx.ReadTimeout):
            await client.post(CHAT.address, json=body, timeout=0.5)
        await until(lambda: runner.running == 0, "the runner is free", seconds=1)
        await until(lambda: ended(live_web, runner.model), "the row")
        (row,) = live_web.rows("model_name = ?", runner.model)
        assert row["status"] == "cancelled"
        assert row["completion_tokens"] == runner.counters.tokens > 0


async def test_vanishing_before_the_first_token_frees_the_runner(live_web: LiveWeb) -> None:
    async with live_web.runner(Script(delay_s=60)) as runner, live_web.async_client() as client:
        for stream in (True, False):
            with contextlib.suppress(httpx.ReadTimeout):
                body = asking(CHAT, runner.model, stream=stream)
                async with client.stream("POST", CHAT.address, json=body, timeout=0.3) as response:
                    await read_some(response, 2)
        await until(lambda: runner.running == 0, "the runner is free", seconds=1)
        await until(lambda: ended(live_web, runner.model, 2), "the rows")
        for row in live_web.rows("model_name = ?", runner.model):
            assert (row["status"], row["completion_tokens"]) == ("cancelled", 0)


async def _vanish(web: LiveWeb, runner: CannedRunner, number: int) -> None:
    """One client that goes away at a moment of its own: before, during or after the headers."""
    body = asking(DOORS[number % 3], runner.model, stream=number % 4 != 0)
    async with web.async_client() as client:
        with contextlib.suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(0.05 + number % 20 * 0.02):
                address = DOORS[number % 3].address
                async with client.stream("POST", address, json=body, timeout=5) as response:
                    await read_some(response, 1_000)


async def test_two_hundred_that_vanish_leave_nothing_behind(live_web: LiveWeb) -> None:
    async with live_web.runner(ENDLESS, slots=256) as runner:
        for turn in range(4):
            await asyncio.gather(*(_vanish(live_web, runner, number) for number in range(50)))
            await until(lambda: runner.running == 0, "no request at the runner", seconds=5)
            if turn == 0:  # fifty at once opened what connections to the store they needed
                opened = _descriptors(live_web)
        await until(
            lambda: live_web.metric("aiplatform_generations_open") == 0, "no generation open"
        )
        await until(lambda: not live_web.leases(), "no lease held")
        rows = live_web.rows("model_name = ?", runner.model)
        assert Counter(row["status"] for row in rows) == {"cancelled": len(rows)}
        assert len({row["id"] for row in rows}) == len(rows) <= 200
        assert sum(row["completion_tokens"] for row in rows) == runner.counters.tokens
        assert runner.counters.accepted == runner.counters.finished <= len(rows)
        # The last sockets close when the web comes round to them.
        await until(
            lambda: _descriptors(live_web) <= opened + 20, "their sockets closed", seconds=5
        )


def _descriptors(web: LiveWeb) -> int:
    assert web.process is not None
    return len(list(Path(f"/proc/{web.process.pid}/fd").iterdir()))


async def test_one_that_stops_reading_disturbs_nobody_and_loses_nothing(
    live_web: LiveWeb,
) -> None:
    # Enough text that no buffer between here and the runner holds it.
    script = Script(tokens=120, interval_s=0.005, word="x" * 100_000)
    async with live_web.runner(script) as runner, live_web.async_client() as client:
        body = asking(CHAT, runner.model, stream=True)
        async with client.stream("POST", CHAT.address, json=body) as slow:
            await until(lambda: runner.counters.finished == 1, "the runner has made it all")
            began = time.monotonic()
            quick = await client.post(CHAT.address, json=CHAT.asking(model="tiny"))
            assert quick.status_code == 200
            assert time.monotonic() - began < 5
            text = (await slow.aread()).decode()
        assert text.count("x" * 100_000) == 120
        assert text.endswith("data: [DONE]\n\n")
        assert live_web.row(slow.headers["x-request-id"])["status"] == "completed"


async def test_one_that_stopped_reading_and_vanishes_is_cancelled(live_web: LiveWeb) -> None:
    script = Script(tokens=100_000, interval_s=0.005, word="x" * 100_000)
    async with live_web.runner(script) as runner, live_web.async_client() as client:
        body = asking(CHAT, runner.model, stream=True)
        async with client.stream("POST", CHAT.address, json=body) as response:
            await until(lambda: runner.counters.accepted == 1, "it began")
            await asyncio.sleep(0.5)  # while nobody reads
        await until(lambda: runner.running == 0, "the runner is free", seconds=2)
        await until(lambda: ended(live_web, runner.model), "the row")
        assert live_web.row(response.headers["x-request-id"])["status"] == "cancelled"
