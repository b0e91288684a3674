"""Two web processes on one database: one of them generates, whoever asks gets its answer."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.api.doors import CHAT, NATIVE, GenerationDoor, refusal
from tests.api.keyed import fresh_key, is_replay, post
from tests.canned_runner import Script
from tests.deploy.postgres_server import postgres_server
from tests.live_web import LiveWeb, StartWeb, until

AT_ONCE = 50
LEASE_S = 2
SLOW = Script(tokens=5, interval_s=0.1, stamped=True)  # no two answers are alike
ENDLESS = Script(tokens=100_000, interval_s=0.5)

Webs = tuple[LiveWeb, LiveWeb]


@pytest.fixture(scope="module")
def webs(start_web: StartWeb) -> Iterator[Webs]:
    with start_web(LEASE_TTL_S=str(LEASE_S)) as web, web.beside().running() as other:
        yield web, other


@pytest.fixture(scope="module")
def postgres_webs(start_web: StartWeb) -> Iterator[Webs]:
    with postgres_server("only-for-this-test") as server:
        url = server.rpartition("/")[0] + "/platform"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE platform")
        with (
            start_web(cast_again=True, DATABASE_URL=url, LEASE_TTL_S=str(LEASE_S)) as web,
            web.beside().running() as other,
        ):
            yield web, other


async def generates_once(webs: Webs, door: GenerationDoor, *, stream: bool) -> None:
    web, other = webs
    async with (
        web.runner(SLOW) as runner,
        web.async_client() as here,
        other.async_client() as there,
    ):
        key, fields = fresh_key(), {"model": runner.model, "stream": stream}
        asking = (post((here, there)[number % 2], key, door, **fields) for number in range(AT_ONCE))
        answers = await asyncio.gather(*asking)
        assert runner.counters.accepted == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum(is_replay(answer) for answer in answers) == AT_ONCE - 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("door", [CHAT, NATIVE], ids=str)
async def test_of_fifty_at_once_one_is_generated_and_all_get_every_byte_of_it(
    webs: Webs, door: GenerationDoor, stream: bool
) -> None:
    await generates_once(webs, door, stream=stream)


async def test_of_fifty_at_once_on_postgresql_as_well(postgres_webs: Webs) -> None:
    await generates_once(postgres_webs, CHAT, stream=True)


async def test_another_body_is_refused_while_the_first_is_in_flight(webs: Webs) -> None:
    web, other = webs
    async with web.runner(SLOW) as runner, web.async_client() as here:
        key = fresh_key()
        first = asyncio.create_task(post(here, key, model=runner.model))
        await until(lambda: runner.counters.accepted == 1, "the first is in flight")
        async with other.async_client() as there:
            refused = await post(there, key, model=runner.model, temperature=0.5)
        assert not first.done()
        assert refusal(refused).code == "idempotency_key_reused"
        assert (await first).status_code == 200


async def test_who_waits_for_a_client_that_left_is_served_in_its_place(webs: Webs) -> None:
    web, other = webs
    async with web.runner(ENDLESS) as runner, web.async_client() as here:
        key, fields = fresh_key(), {"model": runner.model, "max_tokens": 100}
        first = asyncio.create_task(post(here, key, **fields))
        await until(lambda: runner.counters.accepted == 1, "the first is in flight")
        async with other.async_client() as there:
            second = asyncio.create_task(post(there, key, **fields))
            runner.script = SLOW
            first.cancel()
            answer = await second
        assert runner.counters.accepted == 2
    assert answer.status_code == 200
    assert not is_replay(answer)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_of_a_killed_process_is_taken_over_when_its_lease_is_over(
    webs: Webs, stream: bool
) -> None:
    web, _ = webs
    doomed = web.beside()
    with doomed.running():
        async with web.runner(ENDLESS) as runner, doomed.async_client() as here:
            key = fresh_key()
            fields = {"model": runner.model, "stream": stream, "max_tokens": 100}
            first = asyncio.create_task(post(here, key, **fields))
            await until(lambda: runner.counters.accepted == 1, "the first is in flight")
            # Longer than a lease: it is held for as long as its holder lives.
            await asyncio.sleep(LEASE_S * 1.2)
            async with web.async_client() as there:
                second = asyncio.create_task(post(there, key, **fields))
                runner.script = SLOW
                assert doomed.process is not None
                doomed.process.send_signal(signal.SIGKILL)
                killed = time.monotonic()
                with pytest.raises(httpx.TransportError):
                    await first
                answer = await second
                waited = time.monotonic() - killed
                assert runner.counters.accepted == 2
                assert is_replay(await post(there, key, **fields))
    assert answer.status_code == 200
    assert not is_replay(answer)
    assert waited > LEASE_S / 3  # the lease was not simply ignored


async def test_while_the_database_is_away_a_key_is_refused_and_what_runs_is_answered(
    postgres_webs: Webs,
) -> None:
    web, _ = postgres_webs
    slow = Script(tokens=20, interval_s=0.1)
    async with web.runner(slow) as runner, web.async_client() as client:
        first = asyncio.create_task(post(client, fresh_key(), model=runner.model))
        await until(lambda: runner.counters.accepted == 1, "the first is in flight")
        with _database_away(web):
            refused = refusal(await post(client, fresh_key(), model=runner.model))
            answer = await first
        assert runner.counters.accepted == 1
    assert (refused.status, refused.code) == (503, "database_unavailable")
    assert answer.status_code == 200
    assert answer.text.count("word") == 20


@contextlib.contextmanager
def _database_away(web: LiveWeb) -> Iterator[None]:
    """Cut the web's connections and refuse new ones while the block runs."""
    server, _, name = web.extra["DATABASE_URL"].rpartition("/")
    closing = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(closing)
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
