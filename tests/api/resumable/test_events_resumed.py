"""A stream of events that was asked for as resumable outlives its connection, for its owner."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.doors import CHAT, DOORS, NATIVE, GenerationDoor, refusal
from tests.api.resumable.event_clients import RESUMABLE, Listening
from tests.api.websocket.clients import socket
from tests.canned_runner import Script
from tests.gateway.limited_webs import revoke
from tests.live_web import LiveWeb, StartWeb, until
from tests.sse import events

WINDOW_S = 3
SHORT = Script(tokens=10, interval_s=0.05, numbered=True)
ENDLESS = Script(tokens=10_000, interval_s=0.1)
TEXT = "".join(f"word{number} " for number in range(10))


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(RESUME_WINDOW_S=str(WINDOW_S)) as one:
        yield one


async def begun(web: LiveWeb, model: str, door: GenerationDoor = CHAT) -> Listening:
    """Begin a resumable stream, read some of it, and lose the connection."""
    listening = Listening()
    async with (
        web.async_client() as client,
        listening.begin(client, door, model=model) as response,
    ):
        assert int(response.headers["x-resumable"]) > 0
        await listening.take(response, 2)
    return listening


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.address)
async def test_it_goes_on_where_it_was_and_what_is_over_says_so(
    web: LiveWeb, door: GenerationDoor
) -> None:
    async with web.runner(SHORT) as runner, web.async_client() as client:
        listening = await begun(web, runner.model, door)
        async with listening.resume(client) as response:
            await listening.take(response)
        assert listening.is_over
        assert listening.text == TEXT
        async with listening.resume(client) as response:
            assert response.status_code == 204
    await until(lambda: web.rows("id = ?", listening.stream_id.replace("-", "")), "its row")
    assert web.row(listening.stream_id)["status"] == "completed"


async def test_the_id_in_the_chunks_finds_it_too(web: LiveWeb) -> None:
    async with web.runner(SHORT) as runner, web.async_client() as client:
        listening = await begun(web, runner.model)
        listening.stream_id = events(listening.received.decode())[0].data["id"]
        async with listening.resume(client) as response:
            await listening.take(response)
        assert listening.text == TEXT


async def test_one_that_is_not_asked_for_as_resumable_ends_with_its_connection(
    web: LiveWeb,
) -> None:
    async with web.runner(ENDLESS) as runner, web.async_client() as client:
        body = CHAT.asking(stream=True, model=runner.model)
        async with client.stream("POST", CHAT.address, json=body) as response:
            assert "x-resumable" not in response.headers
            assert b"id: " not in await anext(response.aiter_raw())
        await until(lambda: runner.running == 0, "the runner is free")
        again = await client.get(f"/v1/streams/{response.headers['x-request-id']}")
        assert refusal(again).code == "not_resumable"


async def test_nobody_else_may_resume_or_stop_it(live_web: LiveWeb) -> None:
    web = live_web
    async with web.runner(ENDLESS) as runner:
        listening = await begun(web, runner.model)
        answers = set()
        for name in ("eve", "root", "manager"):  # not even another key of the same user
            async with web.async_client(name) as client:
                for stream_id in (listening.stream_id, "00000000-0000-0000-0000-000000000000"):
                    for method in ("GET", "DELETE"):
                        answer = await client.request(method, f"/v1/streams/{stream_id}")
                        answers.add((answer.status_code, answer.text))
        assert len(answers) == 1, "another's looks like none at all"
        assert answers.pop()[0] == 404
        assert runner.running == 1
        async with web.async_client(None) as client:
            nobody = await client.get(f"/api/v1/streams/{listening.stream_id}")
            assert nobody.status_code == 401
        async with web.async_client() as client:
            await client.delete(f"/v1/streams/{listening.stream_id}")


async def test_a_stream_is_no_websocket_s(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, socket(web) as client:
        listening = await begun(web, runner.model)
        await client.say("resume", id="a", request_id=listening.stream_id, seq=0)
        assert (await client.of("a"))["code"] == "not_resumable"


async def test_a_revoked_key_resumes_nothing_and_hears_no_more(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner:
        listening = Listening()
        async with (
            web.async_client("soon revoked") as client,
            listening.begin(client, model=runner.model) as response,
        ):
            await listening.take(response, 2)
        async with web.async_client("soon revoked") as client:
            async with listening.resume(client) as response:
                await listening.take(response, 2)
                revoke(web, "soon revoked")
                rest = await listening.rest(response)
            assert b"revoked_api_key" in rest
            again = await client.get(f"/v1/streams/{listening.stream_id}")
            assert refusal(again).code == "revoked_api_key"
        await until(lambda: runner.running == 0, "the runner is free")


async def test_it_is_cancelled_and_gone_when_the_window_has_passed(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, web.async_client() as client:
        listening = await begun(web, runner.model)
        await until(lambda: runner.running == 0, "the runner is free")
        await until(lambda: web.rows("model_name = ?", runner.model), "the row")
        assert web.row(listening.stream_id)["status"] == "cancelled"
        assert web.row(listening.stream_id)["completion_tokens"] == runner.counters.tokens
        await until(lambda: not web.store().keys("resumable:*"), "nothing of it is kept")
        gone = await client.get(f"/v1/streams/{listening.stream_id}")
        assert refusal(gone).code == "not_resumable"


async def test_whoever_listens_keeps_it_alive_beyond_the_window(web: LiveWeb) -> None:
    script = Script(tokens=60, interval_s=0.1, numbered=True)
    async with web.runner(script) as runner, web.async_client() as client:
        listening = await begun(web, runner.model)
        async with listening.resume(client) as response:
            await listening.take(response)
        assert listening.is_over
        assert listening.text.endswith("word59 ")
        assert runner.counters.cancelled == 0


async def test_its_owner_stops_it(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, web.async_client() as client:
        listening = await begun(web, runner.model)
        async with listening.resume(client) as response:
            stopped = await client.delete(f"/v1/streams/{listening.stream_id}")
            assert stopped.status_code == 204
            rest = await listening.rest(response)
        assert b'"code":"cancelled"' in rest
        await until(lambda: runner.running == 0, "the runner is free")
        await until(lambda: web.rows("model_name = ?", runner.model), "the row")
        assert web.row(listening.stream_id)["status"] == "cancelled"


async def test_a_connection_that_hangs_is_ended_by_the_one_that_comes_back(web: LiveWeb) -> None:
    async with web.runner(ENDLESS) as runner, web.async_client() as client:
        former, now = Listening(), Listening()
        async with former.begin(client, model=runner.model) as hanging:
            await former.take(hanging, 1)
            now.stream_id = former.stream_id
            async with now.resume(client) as response:
                async with asyncio.timeout(20):
                    await former.rest(hanging)
                await now.take(response, 5)
            assert now.ids == [1, 2, 3, 4, 5]
        await client.delete(f"/v1/streams/{now.stream_id}")


@pytest.mark.parametrize("door", [CHAT, NATIVE], ids=lambda door: door.address)
async def test_only_a_stream_is_resumable(live_web: LiveWeb, door: GenerationDoor) -> None:
    async with live_web.async_client() as client:
        whole = await client.post(door.address, json=door.asking(), headers=RESUMABLE)
        assert refusal(whole).param == "X-Resumable"
        odd = await client.post(
            door.address, json=door.asking(stream=True), headers={"X-Resumable": "yes"}
        )
        assert refusal(odd).param == "X-Resumable"


@pytest.mark.parametrize("last", ["-1", "x", "1e3", "99999999999999999999", "٣"])
async def test_a_last_event_id_that_is_none_is_refused(live_web: LiveWeb, last: str) -> None:
    async with live_web.async_client() as client:
        answer = await client.get("/v1/streams/x", headers={b"Last-Event-ID": last.encode()})
        assert refusal(answer).param == "Last-Event-ID"


async def test_one_that_never_was_sent_is_refused(web: LiveWeb) -> None:
    async with web.runner(SHORT) as runner, web.async_client() as client:
        listening = await begun(web, runner.model)
        listening.ids.append(10_000)
        address = f"/v1/streams/{listening.stream_id}"
        answer = await client.get(address, headers={"Last-Event-ID": listening.last})
        assert refusal(answer).param == "Last-Event-ID"


async def test_the_store_holds_no_text_of_it(web: LiveWeb) -> None:
    async with web.runner(SHORT) as runner:
        listening = await begun(web, runner.model)
        await until(lambda: runner.running == 0, "it is over")
        store = web.store()
        key = f"resumable:{listening.stream_id}"
        await until(lambda: 0 < store.ttl(key) <= WINDOW_S, "it expires")
        entries: Any = store.xrange(key)
        held = b"".join(text for _, entry in entries for text in entry.values())
        assert len(held) > 500
        assert b"word" not in held
        assert runner.model.encode() not in held
