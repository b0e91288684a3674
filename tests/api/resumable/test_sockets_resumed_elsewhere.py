"""A generation over a websocket is taken up in another web process than the one that makes it."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from tests.api.websocket.clients import Message, socket, text_of
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until

LEASE_S = 4
ENDLESS = Script(tokens=10_000, interval_s=0.1)

Webs = tuple[LiveWeb, LiveWeb]


@pytest.fixture(scope="module")
def webs(start_web: StartWeb) -> Iterator[Webs]:
    with (
        start_web(LEASE_TTL_S=str(LEASE_S), RESUME_WINDOW_S="60", SHUTDOWN_GRACE_S="2") as web,
        web.beside().running() as other,
    ):
        yield web, other


async def begun(web: LiveWeb, model: str) -> list[Message]:
    """Begin a resumable generation, read some of it, and vanish."""
    async with socket(web) as client:
        await client.ask("a", model, resumable=True)
        messages = [await client.of("a") for _ in range(3)]
        client.vanish()
    return messages


async def test_it_is_cancelled_from_there(webs: Webs) -> None:
    here, there = webs
    async with here.runner(ENDLESS) as runner:
        missed = await begun(here, runner.model)
        request_id = missed[0]["request_id"]
        async with socket(there) as client:
            await client.say("resume", id="b", request_id=request_id, seq=missed[-1]["seq"])
            await client.of("b", "delta")
            await client.say("cancel", id="b")
            assert (await client.of("b", "finished"))["finish_reason"] == "cancelled"
        assert runner.running == 0
        assert here.row(request_id)["status"] == "cancelled"


async def test_the_socket_that_hangs_elsewhere_is_closed(webs: Webs) -> None:
    here, there = webs
    script = Script(tokens=60, interval_s=0.05, numbered=True)
    async with here.runner(script) as runner, socket(here) as hanging:
        await hanging.ask("a", runner.model, resumable=True)
        request_id = (await hanging.of("a", "accepted"))["request_id"]
        async with socket(there) as client:
            await client.say("resume", id="a", request_id=request_id, seq=0)
            assert text_of(await client.whole("a")).split()[-1] == "word59"
        assert (await hanging.closed())[0] == 4409


async def test_nobody_else_may_have_it_there_either(webs: Webs) -> None:
    here, there = webs
    async with here.runner(ENDLESS) as runner:
        request_id = (await begun(here, runner.model))[0]["request_id"]
        answers = set()
        for name in ("eve", "root", "manager"):
            async with socket(there, name) as client:
                for asked in (request_id, "00000000-0000-0000-0000-000000000000"):
                    await client.say("resume", id="mine", request_id=asked, seq=0)
                    error = await client.of("mine")
                    answers.add((error["code"], error["status"], error["detail"]))
        assert {(code, status) for code, status, _ in answers} == {("not_resumable", 404)}
        assert len(answers) == 1, "another's looks like none at all"
        assert runner.counters.cancelled == 0


async def test_whoever_follows_a_process_that_dies_is_told(webs: Webs) -> None:
    here, there = webs
    doomed = here.beside()
    with doomed.running():
        async with here.runner(ENDLESS) as runner, socket(there) as client:
            request_id = (await begun(doomed, runner.model))[0]["request_id"]
            await client.say("resume", id="b", request_id=request_id, seq=0)
            await client.of("b", "delta")
            process = doomed.process
            assert process is not None
            process.send_signal(signal.SIGKILL)
            async with asyncio.timeout(30):
                error = await client.of("b", "error")
            assert (error["code"], error["status"]) == ("generation_lost", 503)


async def test_whoever_follows_a_process_that_is_stopped_is_told(webs: Webs) -> None:
    here, there = webs
    doomed = here.beside()
    with doomed.running():
        async with here.runner(ENDLESS) as runner, socket(there) as client:
            request_id = (await begun(doomed, runner.model))[0]["request_id"]
            await client.say("resume", id="b", request_id=request_id, seq=0)
            await client.of("b", "delta")
            process = doomed.process
            assert process is not None
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                error = await client.of("b", "error")
            assert (error["code"], error["status"]) == ("restarting", 503)
            await until(lambda: process.poll() is not None, "the process has ended")
            assert here.row(request_id)["status"] == "cancelled"
