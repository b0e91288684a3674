"""`/ws/tasks/{id}`: what the events of a job say, live, on a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.api.websocket.clients import Client, opened
from tests.canned_runner import Script
from tests.jobs.working_web import ended, submit
from tests.live_web import LiveWeb

SLOW = Script(tokens=20, interval_s=0.05)


@asynccontextmanager
async def watching(
    web: LiveWeb, task_id: str, key: str | None = "ada", **fields: Any
) -> AsyncIterator[Client]:
    async with opened(web, address=f"ws://127.0.0.1:{web.port}/ws/tasks/{task_id}") as client:
        if key:
            await client.say("authenticate", token=web.keys[key], **fields)
        yield client


async def to_the_end(client: Client) -> list[dict[str, Any]]:
    messages = [await client.next()]
    while messages[-1]["type"] != "error" and messages[-1]["id"] != "end":
        messages.append(await client.next())
    return messages


def text_of(messages: list[dict[str, Any]]) -> str:
    return "".join(one["data"]["delta"] for one in messages if one["event"] == "delta")


async def test_it_tells_everything_live_and_again_from_where_one_was(working_web: LiveWeb) -> None:
    async with working_web.runner(SLOW) as runner:
        with working_web.client() as http:
            task_id = await asyncio.to_thread(submit, http, model=runner.model)
            async with watching(working_web, task_id) as client:
                seen = await to_the_end(client)
                assert (await client.closed())[0] == 1000
            done = await ended(http, task_id)
    assert seen[-1]["event"] == "completed"
    assert seen[-1]["data"]["result"] == done["result"]
    assert text_of(seen) == "word " * 20
    middle = next(n for n, one in enumerate(seen) if one["event"] == "delta")
    async with watching(working_web, task_id, last_event_id=seen[middle]["id"]) as client:
        assert await to_the_end(client) == seen[middle + 1 :]
    headers = {"Authorization": f"Bearer {working_web.keys['ada']}"}
    address = f"ws://127.0.0.1:{working_web.port}/ws/tasks/{task_id}/"
    async with opened(working_web, address=address, additional_headers=headers) as client:
        await client.say("watch")
        assert await to_the_end(client) == seen
    async with watching(working_web, task_id, last_event_id="end") as client:
        assert (await client.closed())[0] == 1000


async def test_a_stranger_and_a_bad_message_are_told_why(working_web: LiveWeb) -> None:
    with working_web.client() as http:
        task_id = await asyncio.to_thread(submit, http, model=working_web.stage())
        for key, code in (("eve all", "task_not_found"), ("no scopes", "scope_missing")):
            async with watching(working_web, task_id, key) as client:
                assert (await client.next())["code"] == code
                await client.closed()
        async with watching(working_web, task_id, None) as client:
            await client.say("watch")
            assert (await client.next())["code"] == "not_authenticated"
            assert (await client.closed())[0] == 4401
        async with watching(working_web, task_id, last_event_id="yesterday") as client:
            assert (await client.next())["param"] == "last_event_id"
            await client.say("generate", id="x")
            assert (await client.next())["code"] == "unknown_type"
        address = f"ws://127.0.0.1:{working_web.port}/ws/tasks/{task_id}?token=x"
        with pytest.raises(InvalidStatus):
            async with opened(working_web, address=address):
                pass
        http.delete(f"/api/v1/tasks/{task_id}")
