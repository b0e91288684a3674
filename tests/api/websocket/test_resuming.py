"""A resumable generation outlives its socket, for its owner, and comes once and in order."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from tests.api.websocket.clients import Message, socket, text_of
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb, until

SCRIPT = Script(tokens=60, interval_s=0.03, stamped=True)


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(RESUME_WINDOW_S="2") as one:
        yield one


async def begun(web: LiveWeb, model: str, deltas: int = 3) -> list[Message]:
    """Begin a resumable generation, read some of it, and vanish."""
    async with socket(web) as client:
        await client.ask("a", model, resumable=True)
        messages = [await client.of("a") for _ in range(1 + deltas)]
        client.vanish()
    assert messages[0]["type"] == "accepted"
    return messages


async def test_what_was_missed_comes_once_and_in_order(live_web: LiveWeb) -> None:
    async with live_web.runner(SCRIPT) as runner:
        missed = await begun(live_web, runner.model)
        request_id, seq = missed[0]["request_id"], missed[-1]["seq"]
        async with socket(live_web) as client:
            await client.say("resume", id="again", request_id=request_id, seq=seq)
            rest = await client.whole("again")
        assert rest[0]["type"] == "accepted"
        assert rest[0]["request_id"] == request_id
        assert rest[-1]["type"] == "finished"
        await _same_as_kept(live_web, request_id, text_of(missed + rest))


async def _same_as_kept(web: LiveWeb, request_id: str, text: str) -> None:
    body = web.body(request_id)
    assert body is not None
    assert body["completion"] == text
    assert len(text.split()) == 60
    assert web.row(request_id)["status"] == "completed"


async def _dropping(web: LiveWeb, model: str, seed: int) -> None:
    """One generation whose client drops three times, anywhere."""
    chance = random.Random(seed)
    messages = await begun(web, model, chance.randrange(1, 5))
    request_id = messages[0]["request_id"]
    for drop in range(3):
        async with socket(web) as client:
            seq = max(message.get("seq", 0) for message in messages)
            await client.say("resume", id=f"r{drop}", request_id=request_id, seq=seq)
            if drop == 2:
                messages += (await client.whole(f"r{drop}"))[1:]
                break
            for _ in range(chance.randrange(1, 15)):
                messages.append(await client.of(f"r{drop}"))
                if messages[-1]["type"] == "accepted":
                    messages.pop()
            client.vanish()
    await _same_as_kept(web, request_id, text_of(messages))


async def test_many_that_drop_again_and_again_lose_nothing(live_web: LiveWeb) -> None:
    async with live_web.runner(SCRIPT) as runner:
        await asyncio.gather(*(_dropping(live_web, runner.model, seed) for seed in range(20)))


async def test_what_ended_meanwhile_is_still_there(web: LiveWeb) -> None:
    async with web.runner(Script(tokens=5, interval_s=0.01)) as runner:
        began = await begun(web, runner.model, 1)
        request_id = began[0]["request_id"]
        await until(lambda: web.rows("model_name = ?", runner.model), "it ended")
        for _ in range(2):  # as often as one likes
            async with socket(web) as client:
                await client.say("resume", id="b", request_id=request_id, seq=0)
                messages = await client.whole("b")
                assert text_of(messages) == "word " * 5
                assert messages[-1]["finish_reason"] == "stop"


async def test_nobody_else_may_have_it(web: LiveWeb) -> None:
    async with web.runner(SCRIPT) as runner:
        began = await begun(web, runner.model)
        request_id = began[0]["request_id"]
        for name in ("eve", "root", "manager"):  # not even another key of the same user
            async with socket(web, name) as client:
                await client.say("resume", id="mine", request_id=request_id, seq=0)
                error = await client.of("mine")
                assert (error["code"], error["status"]) == ("not_resumable", 404)
        async with socket(web) as client:
            await client.say("resume", id="future", request_id=request_id, seq=10_000)
            assert (await client.of("future"))["param"] == "seq"


async def test_it_stops_when_the_window_has_passed(web: LiveWeb) -> None:
    async with web.runner(Script(tokens=10_000, interval_s=0.1)) as runner:
        began = await begun(web, runner.model)
        request_id = began[0]["request_id"]
        await until(lambda: runner.running == 0, "the runner is free", seconds=10)
        await until(lambda: web.rows("model_name = ?", runner.model), "the row")
        assert web.row(request_id)["status"] == "cancelled"
        async with socket(web) as client:
            await client.say("resume", id="late", request_id=request_id, seq=3)
            # In the moment before it is forgotten, what was said before can still be read.
            assert (await client.whole("late"))[-1]["code"] == "not_resumable"


async def test_one_that_is_resumed_leaves_the_socket_that_hangs(live_web: LiveWeb) -> None:
    async with live_web.runner(SCRIPT) as runner, socket(live_web) as hanging:
        await hanging.ask("a", runner.model, resumable=True)
        accepted = await hanging.of("a", "accepted")
        await hanging.of("a", "delta")
        async with socket(live_web) as client:
            await client.say("resume", id="a", request_id=accepted["request_id"], seq=0)
            messages = await client.whole("a")
            await _same_as_kept(live_web, accepted["request_id"], text_of(messages))
        assert (await hanging.closed())[0] == 4409


async def test_one_that_is_under_way_here_is_not_resumed(live_web: LiveWeb) -> None:
    async with live_web.runner(SCRIPT) as runner, socket(live_web) as client:
        await client.ask("a", runner.model, resumable=True)
        accepted = await client.of("a", "accepted")
        await client.say("resume", id="b", request_id=accepted["request_id"], seq=0)
        assert (await client.of(None, "error"))["code"] == "duplicate_id"
        assert len(text_of(await client.whole("a")).split()) == 60


async def test_a_resumed_one_can_be_cancelled(live_web: LiveWeb) -> None:
    async with live_web.runner(Script(tokens=10_000, interval_s=0.1)) as runner:
        began = await begun(live_web, runner.model)
        async with socket(live_web) as client:
            request_id = began[0]["request_id"]
            await client.say("resume", id="b", request_id=request_id, seq=began[-1]["seq"])
            await client.of("b", "delta")
            await client.say("cancel", id="b")
            assert (await client.of("b", "finished"))["finish_reason"] == "cancelled"
