"""A job is cancelled, while it waits and while it runs; what it made until then is charged."""

import httpx
import pytest

from tests.canned_runner import Script
from tests.jobs.working_web import submit, task
from tests.live_web import LiveWeb, until


def _cancel(client: httpx.Client, task_id: str, by: str) -> httpx.Response:
    address = f"/api/v1/tasks/{task_id}"
    return client.delete(address) if by == "DELETE" else client.post(f"{address}/cancel")


@pytest.mark.parametrize("by", ["DELETE", "POST"])
async def test_a_job_cancelled_while_queued_is_never_begun(working_web: LiveWeb, by: str) -> None:
    with working_web.client() as client:
        task_id = submit(client, model="other")
        await until(lambda: task(client, task_id)["waiting_for"], "no runner yet")
        cancelled = _cancel(client, task_id, by)
        assert cancelled.status_code == 200
        assert cancelled.json()["status"] == "cancelled"
        assert cancelled.json()["progress"] is None
        again = _cancel(client, task_id, by)
        assert (again.status_code, again.json()["code"]) == (409, "task_ended")
        async with working_web.runner(model="other") as runner:
            done = submit(client, model="other")
            await until(lambda: task(client, done)["status"] == "completed", "the next one")
            assert runner.counters.accepted == 1
        assert task(client, task_id)["status"] == "cancelled"


async def test_a_job_cancelled_while_it_runs_stops_its_runner(working_web: LiveWeb) -> None:
    async with working_web.runner(Script(tokens=200, interval_s=0.05)) as runner:
        with working_web.client() as client:
            task_id = submit(client, model=runner.model)
            await until(lambda: task(client, task_id)["progress"]["tokens"] > 2, "tokens")
            cancelled = client.delete(f"/api/v1/tasks/{task_id}").json()
            assert cancelled["status"] == "cancelled"
            await until(lambda: runner.counters.cancelled == 1, "stopped")
            await until(lambda: task(client, task_id)["usage"], "settled")
            after = task(client, task_id)
    assert after["status"] == "cancelled"
    row = working_web.row(after["request_id"])
    assert row["status"] == "cancelled"
    assert 2 < row["completion_tokens"] == after["usage"]["completion_tokens"] < 200
    assert row["charged_tokens"] == after["usage"]["total_tokens"]
    await until(lambda: working_web.leases() == 0, "settled")
