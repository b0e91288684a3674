"""Scripts over one shared connection: each gets its own answer, and none waits for ever."""

import asyncio

import pytest
import redis

from aiplatform import pipelined_store as module
from aiplatform.pipelined_store import PipelinedStore, Script
from aiplatform.store import Unavailable

ECHO = Script("return ARGV[1]")
FAULTY = Script("return redis.call('HGET', KEYS[1])")


@pytest.fixture
async def pipelined(store: "redis.Redis") -> PipelinedStore:
    store.script_flush()
    return PipelinedStore()


async def test_many_at_once_get_their_own_answers(pipelined: PipelinedStore) -> None:
    answers = await asyncio.gather(*(pipelined.run(ECHO, [], [n]) for n in range(100)))
    assert answers == [str(n).encode() for n in range(100)]


async def test_a_script_that_fails_is_the_answer_to_who_ran_it_alone(
    pipelined: PipelinedStore,
) -> None:
    asked = (
        pipelined.run(ECHO, [], ["before"]),
        pipelined.run(FAULTY, ["nothing"], []),
        pipelined.run(ECHO, [], ["after"]),
    )
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert (answers[0], answers[2]) == (b"before", b"after")
    assert isinstance(answers[1], Unavailable)


async def test_one_that_gives_up_leaves_the_order_as_it_is(pipelined: PipelinedStore) -> None:
    await pipelined.run(ECHO, [], ["known"])
    asking = [asyncio.create_task(pipelined.run(ECHO, [], [n])) for n in range(3)]
    await asyncio.sleep(0)
    asking[1].cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert (answers[0], answers[2]) == (b"0", b"2")


async def test_a_server_that_does_not_answer_is_given_up(
    pipelined: PipelinedStore, store: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.3)
    await pipelined.run(ECHO, [], ["known"])
    store.client_pause(1000)
    asked = (pipelined.run(ECHO, [], [n]) for n in range(3))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, redis.TimeoutError) for answer in answers)
    monkeypatch.setattr(module, "TIMEOUT_S", 5.0)
    assert await pipelined.run(ECHO, [], ["again"]) == b"again"


async def test_a_lost_connection_is_told_and_made_anew(
    pipelined: PipelinedStore, store: "redis.Redis"
) -> None:
    await pipelined.run(ECHO, [], ["known"])
    store.client_kill_filter(_type="normal", skipme=True)
    async with asyncio.timeout(5):
        while True:
            try:
                assert await pipelined.run(ECHO, [], ["again"]) == b"again"
            except Unavailable:
                continue
            break
