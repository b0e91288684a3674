"""Limits hold over all processes together, whatever happens to requests, keys and processes."""

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.doors import CHAT, DOORS, GenerationDoor
from tests.canned_runner import CannedRunner, Script
from tests.gateway.limited_webs import counters, limit_user, price, revoke, two_webs
from tests.live_web import LiveWeb, StartWeb, until

ENDLESS = Script(tokens=100_000, interval_s=0.02)
SLOW = Script(tokens=100_000, interval_s=0.2)
SILENT = Script(delay_s=600)
MAX_TOKENS = 30


@pytest.fixture(scope="module")
def shared(start_web: StartWeb) -> Iterator[tuple[LiveWeb, LiveWeb]]:
    """Two webs of tests that limit a user each and leave nothing in the counters."""
    with two_webs(start_web) as webs:
        yield webs


def asking(
    runner: CannedRunner, *, stream: bool = True, door: GenerationDoor = CHAT
) -> dict[str, Any]:
    return door.asking(model=runner.model, stream=stream, **{door.max_tokens_field: MAX_TOKENS})


async def fifty(
    webs: tuple[LiveWeb, LiveWeb], key: str, runner: CannedRunner, statuses: Counter[int]
) -> list["asyncio.Task[None]"]:
    """Start fifty streams, by turns at either web; return when all have been answered or begun."""

    async def hold(web: LiveWeb) -> None:
        async with (
            web.async_client(key) as client,
            client.stream("POST", CHAT.address, json=asking(runner)) as response,
        ):
            statuses[response.status_code] += 1
            if response.status_code == 200:
                await response.aread()  # until somebody cancels this task

    tasks = [asyncio.create_task(hold(web)) for web in webs * 25]
    await until(lambda: statuses.total() == 50, "fifty answers")
    return tasks


async def cancel(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("resource", "name"),
    [("requests", "ada"), ("tokens", "eve"), ("cost", "lister"), ("concurrency", "root")],
)
async def test_of_fifty_at_once_exactly_ten_are_admitted_and_cancelled_all_is_back(
    shared: tuple[LiveWeb, LiveWeb], resource: str, name: str
) -> None:
    one, _ = shared
    async with one.runner(SILENT) as runner:
        tokens = MAX_TOKENS + await _prompt_tokens(one)
        price(one, runner.model, 2500)  # of a million tokens
        amount: dict[str, float] = {
            "requests": 10,
            "concurrency": 10,
            "tokens": 10 * tokens + tokens - 1,
        }
        amount["cost"] = round(10 * tokens * 0.0025, 6)
        window = "now" if resource == "concurrency" else "hour"
        limit_user(one, name, resource, window, amount[resource])
        await asyncio.sleep(1)  # in force everywhere by then
        for _ in range(2):
            statuses: Counter[int] = Counter()
            tasks = await fifty(shared, name, runner, statuses)
            assert statuses == {200: 10, 429: 40}
            await cancel(tasks)
            await until(lambda: not counters(one), "the whole budget is back", seconds=1)


async def _prompt_tokens(web: LiveWeb) -> int:
    """Return how many tokens the door's smallest request has."""
    async with web.runner(Script(tokens=1)) as canned, web.async_client("soon deleted") as client:
        answer = await client.post(CHAT.address, json=asking(canned, stream=False))
        return int(answer.json()["usage"]["prompt_tokens"])


async def test_five_hundred_that_vanish_leave_nothing_and_pay_for_what_was_made(
    start_web: StartWeb,
) -> None:
    with two_webs(start_web) as (one, other):
        limit_user(one, "ada", "tokens", "day", 10_000_000)
        limit_user(one, "ada", "requests", "day", 10_000_000)
        async with one.runner(ENDLESS, slots=256) as runner:
            for _ in range(10):
                await asyncio.gather(
                    *(_vanish((one, other)[number % 2], runner, number) for number in range(50))
                )
            await until(lambda: runner.running == 0, "no slot is taken", seconds=5)
            # At once where the machine has time; a crowded one may need a second attempt to settle.
            await until(lambda: not one.leases(), "nothing is reserved")
            with one.client() as client:  # looking gives back what expired
                assert client.get("/api/v1/quotas").status_code == 200
            rows = one.rows("model_name = ?", runner.model)
            assert {row["status"] for row in rows} == {"cancelled"}
            assert sum(row["completion_tokens"] for row in rows) == runner.counters.tokens > 0
            charged = sum(row["charged_tokens"] for row in rows)
            (used,) = [held for key, held in counters(one).items() if "tokens" in key]
            assert used == (charged, 0)
            assert charged == sum(
                row["prompt_tokens"] + row["completion_tokens"]
                for row in rows
                if row["completion_tokens"]
            )


async def _vanish(web: LiveWeb, runner: CannedRunner, number: int) -> None:
    """Leave before, at or after the first tokens; who waits for a whole answer gives up."""
    door, streams = DOORS[number % 3], number % 4 != 0
    body = asking(runner, stream=streams, door=door)
    async with web.async_client() as client:
        with contextlib.suppress(httpx.TransportError, TimeoutError):
            async with (
                # A whole answer takes 0.6 s at least.
                asyncio.timeout(10 if streams else 0.2 + number * 0.007),
                client.stream("POST", door.address, json=body) as response,
            ):
                lines = response.aiter_lines()
                for _ in range(number % 10):
                    await anext(lines)


async def test_what_a_killed_web_had_reserved_is_released_and_the_ledger_agrees(
    start_web: StartWeb,
) -> None:
    with two_webs(start_web, LEASE_TTL_S="2") as (one, other):
        limit_user(one, "ada", "tokens", "day", 1_000_000)
        limit_user(one, "ada", "concurrency", "now", 20)
        async with one.runner(ENDLESS) as runner, one.async_client() as client:
            held = [asyncio.create_task(_read_until_it_breaks(other, runner)) for _ in range(20)]
            await until(lambda: runner.running == 20, "twenty are under way")
            refused = await client.post(CHAT.address, json=asking(runner))
            assert refused.status_code == 429
            assert other.process is not None
            other.process.send_signal(signal.SIGKILL)
            await asyncio.gather(*held)
            await until(lambda: not one.leases(), "all have expired", 10)
            # Leases are looked at whenever somebody asks for a place.
            await until(lambda: _is_admitted(one, runner), "all are released", 10)
            await until(lambda: not one.leases(), "the one that was admitted is settled", 10)
            rows = one.rows("model_name = ?", runner.model)
            charged = sum(row["charged_tokens"] for row in rows)
            assert [held for key, held in counters(one).items() if "tokens" in key] == [
                (charged, 0)
            ]


async def _read_until_it_breaks(web: LiveWeb, runner: CannedRunner) -> None:
    with contextlib.suppress(httpx.TransportError):
        async with web.async_client() as client:
            body = CHAT.asking(model=runner.model, stream=True)
            async with client.stream("POST", CHAT.address, json=body) as response:
                async for _ in response.aiter_lines():
                    pass


def _is_admitted(web: LiveWeb, runner: CannedRunner) -> bool:
    with web.client() as client:
        body = CHAT.asking(model=runner.model, max_tokens=1)
        return client.post(CHAT.address, json=body).status_code == 200


async def test_a_key_revoked_in_mid_stream_ends_it_and_is_refused_everywhere_within_a_second(
    start_web: StartWeb,
) -> None:
    with two_webs(start_web) as webs:
        async with webs[0].runner(ENDLESS) as runner:
            streams = [asyncio.create_task(_text_of(web, runner)) for web in (*webs, *webs)]
            await until(lambda: runner.running == 4, "four are under way")
            revoke(webs[0], "ada")
            began = time.monotonic()
            texts = await asyncio.gather(*streams)
            assert time.monotonic() - began < 1.5
            for text in texts:
                assert "revoked_api_key" in text
                assert "[DONE]" not in text
            assert runner.running == 0
            for web in webs:
                with web.client() as client:
                    assert client.post(CHAT.address, json=asking(runner)).status_code == 401
            rows = webs[0].rows("model_name = ? AND error_code = 'revoked_api_key'", runner.model)
            assert [row["status"] for row in rows] == ["cancelled"] * 4
            assert sum(row["completion_tokens"] for row in rows) == runner.counters.tokens


async def _text_of(web: LiveWeb, runner: CannedRunner) -> str:
    async with web.async_client() as client:
        body = CHAT.asking(model=runner.model, stream=True)
        return (await client.post(CHAT.address, json=body)).text


async def test_a_limit_changed_while_requests_run_binds_what_comes_next(
    shared: tuple[LiveWeb, LiveWeb],
) -> None:
    one, _ = shared
    key = "soon deactivated"
    async with one.runner(SILENT) as runner, one.async_client(key) as client:
        statuses: Counter[int] = Counter()
        tasks = await fifty(shared, key, runner, statuses)
        assert statuses == {200: 50}
        limit_user(one, "leaver", "concurrency", "now", 10)
        await asyncio.sleep(1)
        assert (await client.post(CHAT.address, json=asking(runner))).status_code == 429
        await cancel(tasks)
        await until(lambda: not counters(one), "all is back")


async def test_a_user_deleted_while_requests_run_loses_them_and_leaves_the_ledger(
    start_web: StartWeb,
) -> None:
    with two_webs(start_web) as (one, other):
        async with one.runner(SLOW) as runner:
            stream = asyncio.create_task(_text_of(other, runner))
            await until(lambda: runner.running == 1, "it runs")
            gone = "from accounts.models import User; User.objects.get(username='ada').delete()"
            await asyncio.to_thread(one.manage, "shell", "-c", gone)
            assert "[DONE]" not in await stream
            await until(lambda: not one.leases(), "nothing is reserved")
            (row,) = one.rows("model_name = ?", runner.model)
            assert (row["username"], row["user_id"]) == ("ada", None)
            assert row["completion_tokens"] == runner.counters.tokens
