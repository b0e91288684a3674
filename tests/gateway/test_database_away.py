"""PostgreSQL goes away while requests are answered: answers are complete and no row is lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import psycopg
import pytest

from inference.gateway.replicas import FRESH_S
from inference.registry.directory import announce
from tests.api.doors import CHAT, COMPLETIONS, refusal
from tests.canned_runner import CannedRunner, Script
from tests.deploy.postgres_server import postgres_server
from tests.live_web import LiveWeb, StartWeb, until

DATABASE = "platform"


class Postgres:
    """The web's database in a server of the test's own."""

    def __init__(self, url: str) -> None:
        self.url = url.rpartition("/")[0] + f"/{DATABASE}"
        self._server = url

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the web's database and return what it finds."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()

    def create(self) -> None:
        self._command(f"CREATE DATABASE {DATABASE}")

    def go_away(self) -> None:
        """Close the web's connections and refuse new ones."""
        self._command(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false")
        self._command(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'"
        )

    def come_back(self) -> None:
        self._command(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")

    def _command(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server("only-for-this-test") as url:
        postgres = Postgres(url)
        postgres.create()
        yield postgres


@pytest.fixture(scope="module")
def web(start_web: StartWeb, postgres: Postgres) -> Iterator[LiveWeb]:
    with start_web(cast_again=True, DATABASE_URL=postgres.url) as web:
        yield web


@pytest.fixture
async def slow(web: LiveWeb) -> AsyncIterator[CannedRunner]:
    """A runner that takes two seconds for an answer."""
    async with web.runner(Script(tokens=20, interval_s=0.1)) as runner:
        yield runner


def rows(postgres: Postgres, request_id: str) -> list[tuple[Any, ...]]:
    condition = f"WHERE id = '{request_id[-36:]}'"
    return postgres.ask(f"SELECT status, completion_tokens FROM gateway_request {condition}")


async def test_what_was_under_way_is_answered_spooled_and_written_when_it_is_back(
    web: LiveWeb, postgres: Postgres, slow: CannedRunner
) -> None:
    spool = web.folder / "spool" / "history.jsonl"
    async with web.async_client() as client, web.async_client("no bodies") as private:
        asked = CHAT.asking(model=slow.model, stream=True)
        streams = [client.post(CHAT.address, json=asked), private.post(CHAT.address, json=asked)]
        under_way = asyncio.gather(*streams)
        await until(lambda: slow.counters.accepted == 2, "both are under way")
        try:
            postgres.go_away()
            responses = await under_way
            for response in responses:
                assert response.text.count("word") == 20
                assert response.text.endswith("data: [DONE]\n\n")
            kept = spool.read_text()
            assert all(response.headers["x-request-id"] in kept for response in responses)
            of_private = next(
                line for line in kept.splitlines() if responses[1].headers["x-request-id"] in line
            )
            assert "word" not in of_private
            assert "Hello" not in of_private
            refused, listed, ready = await asyncio.gather(
                client.post(CHAT.address, json=asked),
                client.get("/v1/models"),
                client.get("/health/ready"),
            )
            assert refusal(refused).code == "database_unavailable"
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert (listed.status_code, refusal(listed).code) == (503, "database_unavailable")
            assert ready.status_code == 503
            assert ready.json()["checks"]["database"] == "unavailable"
        finally:
            with contextlib.suppress(psycopg.Error):
                postgres.come_back()
        ids = [response.headers["x-request-id"] for response in responses]
        await until(lambda: all(rows(postgres, one) for one in ids), "both rows", seconds=30)
        assert [rows(postgres, one) for one in ids] == [[("completed", 20)]] * 2
        await until(lambda: spool.stat().st_size == 0, "the spool is empty")
        again = await client.post(CHAT.address, json=CHAT.asking(model=slow.model, max_tokens=1))
        assert again.status_code == 200


async def test_what_can_be_kept_nowhere_ends_in_an_error_and_its_place_is_given_back(
    web: LiveWeb, postgres: Postgres, slow: CannedRunner
) -> None:
    spool = web.folder / "spool" / "history.jsonl"
    spool.unlink(missing_ok=True)
    spool.mkdir()
    try:
        async with web.async_client() as client:
            streamed = CHAT.asking(model=slow.model, stream=True)
            whole = CHAT.asking(model=slow.model)
            asked = (client.post(CHAT.address, json=body) for body in (streamed, whole))
            under_way = asyncio.gather(*asked)
            await until(lambda: slow.counters.accepted == 2, "both are under way")
            postgres.go_away()
            stream, answer = await under_way
    finally:
        with contextlib.suppress(psycopg.Error):
            postgres.come_back()
        spool.rmdir()
    assert "internal_error" in stream.text
    assert "[DONE]" not in stream.text
    assert (answer.status_code, refusal(answer).code) == (500, "internal_error")
    store = web.store()
    place = f"use:model:{slow.model}:concurrency:now"
    await until(lambda: not store.exists(place), "both places are free")


async def test_a_text_that_postgresql_refuses_does_not_keep_rows_from_being_written(
    web: LiveWeb, postgres: Postgres
) -> None:
    async with web.runner(Script(word="a\0b")) as runner, web.async_client() as client:
        hostile = CHAT.asking(
            model=runner.model, messages=[{"role": "user", "content": "nul \0 and 🙂"}]
        )
        plain_one = COMPLETIONS.asking(model=runner.model)
        answers = await asyncio.gather(
            *(client.post(CHAT.address, json=hostile) for _ in range(3)),
            *(client.post(COMPLETIONS.address, json=plain_one) for _ in range(3)),
        )
        for answer in answers:
            assert answer.status_code == 200
            assert rows(postgres, answer.headers["x-request-id"]) == [("completed", 16)]
        condition = f"WHERE request_id = '{answers[0].headers['x-request-id']}'"
        ((prompt, completion),) = postgres.ask(
            f"SELECT prompt, completion FROM gateway_requestbody {condition}"
        )
        assert prompt[0]["content"] == "nul \ufffd and 🙂"
        assert completion.startswith("a\ufffdb ")
    spool = web.folder / "spool" / "history.jsonl"
    assert not spool.exists() or spool.stat().st_size == 0


async def test_a_replica_whose_id_is_longer_than_its_column_loses_no_row(
    web: LiveWeb, postgres: Postgres
) -> None:
    async with web.runner() as runner, web.async_client() as client:
        model = web.stage()
        announce(web.store(), msgspec.structs.replace(runner.replica(), id="r" * 150, model=model))
        await asyncio.sleep(FRESH_S)
        answer = await client.post(CHAT.address, json=CHAT.asking(model=model))
        assert rows(postgres, answer.headers["x-request-id"]) == [("completed", 16)]
