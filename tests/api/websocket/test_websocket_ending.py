"""A web process that is asked to end finishes what its sockets wait for, or says why not."""

import signal
import time

from tests.api.websocket.clients import socket, text_of
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until


async def ended(web: LiveWeb) -> None:
    process = web.process
    assert process is not None
    await until(lambda: process.poll() is not None, "the process has ended")


def end(web: LiveWeb) -> None:
    assert web.process is not None
    web.process.send_signal(signal.SIGTERM)


async def test_what_is_under_way_is_finished_and_sockets_are_closed_after_it(
    start_web: StartWeb,
) -> None:
    with start_web(SHUTDOWN_GRACE_S="20") as web:
        async with web.runner(Script(tokens=20, interval_s=0.05)) as runner:
            async with socket(web) as busy, socket(web) as idle:
                await busy.ask("a", runner.model)
                await busy.of("a", "delta")
                end(web)
                assert (await idle.closed())[0] == 1012
                await busy.ask("late", runner.model)
                refused = await busy.of("late")
                assert (refused["code"], refused["retry_after"]) == ("restarting", 1.0)
                messages = await busy.whole("a")
                assert messages[-1]["finish_reason"] == "stop"
                assert messages[-1]["usage"]["completion_tokens"] == 20
                text_of(messages)
                assert (await busy.closed())[0] == 1012
            await ended(web)


async def test_what_takes_longer_than_the_grace_is_told_so_and_accounted(
    start_web: StartWeb,
) -> None:
    with start_web(SHUTDOWN_GRACE_S="2") as web:
        async with web.runner(Script(tokens=10_000, interval_s=0.1)) as runner:
            async with socket(web) as client:
                await client.ask("a", runner.model)
                await client.of("a", "delta")
                began = time.monotonic()
                end(web)
                error = await client.of("a", "error")
                assert (error["code"], error["status"]) == ("restarting", 503)
                assert (await client.closed())[0] == 1012
            await ended(web)
            assert time.monotonic() - began < 8
            row = web.row(error["request_id"])
            assert row["status"] == "cancelled"
            assert row["completion_tokens"] == runner.counters.tokens > 0
            assert not web.leases()
