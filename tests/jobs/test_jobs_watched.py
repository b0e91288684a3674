"""A job is watched live by its owner, and again from where one was, as often as one likes."""

import asyncio

from tests.canned_runner import Script
from tests.jobs.event_streams import Event, text_of, watch
from tests.jobs.working_web import ended, submit
from tests.live_web import LiveWeb, until

SLOW = Script(tokens=30, interval_s=0.04)
WHOLE = "word " * 30


async def _all(web: LiveWeb, task_id: str, last: str | None = None) -> list[Event]:
    async with web.async_client() as client:
        return [event async for event in watch(client, task_id, last)]


async def test_states_and_tokens_come_while_the_job_runs(working_web: LiveWeb) -> None:
    async with working_web.runner(SLOW) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
        seen, early = [], 0
        async with working_web.async_client() as client:
            async for event in watch(client, task_id):
                seen.append(event)
                early += event.name == "delta" and runner.running > 0
    statuses = [event.data["status"] for event in seen if event.name == "status"]
    assert statuses == ["queued", "processing"]
    assert early > 10, "tokens come before the answer is complete"
    assert text_of(seen) == WHOLE
    assert (seen[-1].name, seen[-1].id) == ("completed", "end")
    assert seen[-1].data["result"]["generated_text"] == WHOLE
    assert len({event.id for event in seen}) == len(seen)


async def test_who_comes_again_goes_on_where_they_were(working_web: LiveWeb) -> None:
    async with working_web.runner(SLOW) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
        first: list[Event] = []
        async with working_web.async_client() as client:
            async for event in watch(client, task_id):
                first.append(event)
                if len(first) == 8:
                    break  # the connection is lost
        rest = await _all(working_web, task_id, first[-1].id)
        assert text_of(first) + text_of(rest) == WHOLE
        assert await _all(working_web, task_id) == first + rest, "from the beginning, the same"


async def test_many_may_watch_at_once(working_web: LiveWeb) -> None:
    async with working_web.runner(SLOW) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
        watched = await asyncio.gather(*(_all(working_web, task_id) for _ in range(10)))
    assert all(one == watched[0] for one in watched)
    assert text_of(watched[0]) == WHOLE


async def test_a_job_whose_events_are_gone_is_told_by_its_row(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=2)) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
            done = await ended(client, task_id)
    working_web.store().delete(f"job:{task_id}:events")
    (only,) = await _all(working_web, task_id)
    assert only == Event("end", "completed", done)
    with working_web.client() as client:
        address = f"/api/v1/tasks/{task_id}/events"
        again = client.get(address, headers={"Last-Event-ID": "end"})
        assert (again.status_code, again.content) == (204, b""), "a browser need not come again"
        wrong = client.get(address, headers={"Last-Event-ID": "yesterday"})
        assert (wrong.status_code, wrong.json()["param"]) == (400, "Last-Event-ID")


async def test_a_cancelled_job_ends_its_watchers(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=200, interval_s=0.05)) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
            watching = asyncio.create_task(_all(working_web, task_id))
            await until(lambda: runner.running == 1, "running")
            client.delete(f"/api/v1/tasks/{task_id}")
        async with asyncio.timeout(10):
            seen = await watching
        await until(lambda: runner.running == 0, "stopped")
    assert (seen[-1].name, seen[-1].data["status"]) == ("cancelled", "cancelled")
