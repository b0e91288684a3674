"""A web process that ends, asked or killed, loses nothing that had been answered."""

import asyncio
import contextlib
import signal
import time

import httpx
import pytest

from tests.api.doors import CHAT
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until


async def finished(web: LiveWeb) -> int:
    """Wait for the process to end and return its exit status."""
    process = web.process
    assert process is not None
    await until(lambda: process.poll() is not None, "the process has ended")
    return int(process.returncode)


def _tell(web: LiveWeb, number: signal.Signals) -> None:
    assert web.process is not None
    web.process.send_signal(number)


async def test_asked_to_end_it_finishes_what_it_streams(start_web: StartWeb) -> None:
    with start_web(SHUTDOWN_GRACE_S="10") as web:
        async with web.runner(Script(tokens=20, interval_s=0.05)) as runner:
            async with web.async_client() as client:
                body = CHAT.asking(model=runner.model, stream=True)
                under_way = asyncio.create_task(client.post(CHAT.address, json=body))
                await until(lambda: runner.counters.accepted == 1, "it is under way")
                _tell(web, signal.SIGTERM)
                answer = await under_way
            assert answer.text.endswith("data: [DONE]\n\n")
            assert answer.text.count("word") == 20
            assert await finished(web) in {0, -signal.SIGTERM}
            assert web.row(answer.headers["x-request-id"])["status"] == "completed"
            assert not web.leases()


@pytest.mark.parametrize("stream", [True, False])
async def test_what_takes_longer_than_the_grace_is_ended_and_accounted(
    start_web: StartWeb, stream: bool
) -> None:
    with start_web(SHUTDOWN_GRACE_S="1") as web:
        async with web.runner(Script(tokens=10_000, interval_s=0.02)) as runner:
            async with web.async_client() as client:
                body = CHAT.asking(model=runner.model, stream=stream)
                under_way = asyncio.create_task(client.post(CHAT.address, json=body))
                await until(lambda: runner.counters.accepted == 1, "it is under way")
                began = time.monotonic()
                _tell(web, signal.SIGTERM)
                with contextlib.suppress(httpx.TransportError):
                    await under_way
                await finished(web)
            # The supervisor kills it five seconds after the grace.
            assert time.monotonic() - began < 4
            (row,) = web.rows("model_name = ?", runner.model)
            assert row["status"] == "cancelled"
            assert row["completion_tokens"] == runner.counters.tokens > 0
            assert runner.running == 0
            assert not web.leases()


async def test_killed_it_has_written_every_row_it_answered_and_its_leases_expire(
    start_web: StartWeb,
) -> None:
    with start_web(LEASE_TTL_S="2") as web:
        endless_script = Script(tokens=10_000, interval_s=0.02)
        async with web.runner(Script(tokens=2)) as quick, web.runner(endless_script) as slow:
            async with web.async_client() as client:
                endless = CHAT.asking(model=slow.model, stream=True)
                under_way = asyncio.create_task(client.post(CHAT.address, json=endless))
                await until(lambda: slow.counters.accepted == 1, "one is under way")
                body = CHAT.asking(model=quick.model)
                answers = await asyncio.gather(
                    *(client.post(CHAT.address, json=body) for _ in range(20))
                )
                _tell(web, signal.SIGKILL)
                with pytest.raises(httpx.TransportError):
                    await under_way
            await finished(web)
            for answer in answers:
                assert web.row(answer.headers["x-request-id"])["status"] == "completed"
            await until(lambda: slow.running == 0, "the runner is free", seconds=1)
            await until(lambda: _left(web) == 0, "the leases expire", seconds=4)


def _left(web: LiveWeb) -> int:
    """Count the leases that are in force."""
    store = web.store()
    now = time.time() * 1000
    return int(store.zcount("leases", now, "+inf"))


async def test_what_a_killed_process_spooled_is_written_by_the_next(start_web: StartWeb) -> None:
    with start_web() as web:
        async with web.runner(Script(tokens=3)) as runner, web.async_client() as client:
            web.sql("ALTER TABLE gateway_request RENAME TO elsewhere")
            answer = await client.post(CHAT.address, json=CHAT.asking(model=runner.model))
            assert answer.status_code == 200
            _tell(web, signal.SIGKILL)
            await finished(web)
        spool = web.folder / "spool" / "history.jsonl"
        spool.write_bytes(spool.read_bytes() + b'{"id": "cut in ha')
        web.sql("ALTER TABLE elsewhere RENAME TO gateway_request")
        with web.running():
            await until(lambda: spool.stat().st_size == 0, "the spool is empty")
        assert web.row(answer.headers["x-request-id"])["completion_tokens"] == 3
