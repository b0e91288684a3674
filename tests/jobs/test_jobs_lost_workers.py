"""Workers are killed in mid job: it is taken back and done, once for those who count."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.canned_runner import Script
from tests.jobs.working_web import LEASE_TTL_S, Worker, ended, submit, task
from tests.live_web import LiveWeb, StartWeb, until

SLOW = Script(tokens=40, interval_s=0.05)


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(LEASE_TTL_S=str(LEASE_TTL_S), SHUTDOWN_GRACE_S="1") as web:
        yield web


async def test_a_worker_that_is_stopped_gives_back_what_it_cannot_finish(web: LiveWeb) -> None:
    async with web.runner(Script(tokens=2_000, interval_s=0.05)) as runner:
        with web.client() as client:
            with Worker(web).running() as worker:
                task_id = submit(client, model=runner.model)
                await until(lambda: task(client, task_id)["progress"]["tokens"] > 3, "tokens")
                assert worker.process is not None
                worker.process.terminate()
                await until(lambda: task(client, task_id)["status"] == "queued", "given back")
                await asyncio.to_thread(worker.process.wait, 20)
            assert runner.counters.cancelled == 1
            assert client.delete(f"/api/v1/tasks/{task_id}").json()["status"] == "cancelled"


async def test_a_job_whose_worker_was_killed_is_done_by_the_next(web: LiveWeb) -> None:
    async with web.runner(SLOW) as runner:
        with web.client() as client:
            with Worker(web).running() as worker:
                task_id = submit(client, model=runner.model)
                await until(lambda: task(client, task_id)["progress"]["tokens"] > 3, "tokens")
                worker.kill()
            assert task(client, task_id)["status"] == "processing"
            with Worker(web).running() as worker:
                done = await ended(client, task_id)
                assert done["status"] == "completed", done
                assert done["attempts"] == 2
                assert done["result"]["generated_text"] == "word " * 40
                # Now all its children, the scheduler among them, which it starts anew.
                task_id = submit(client, model=runner.model)
                await until(lambda: task(client, task_id)["progress"]["tokens"] > 3, "tokens")
                for pid in worker.children():
                    os.kill(pid, signal.SIGKILL)
                again = await ended(client, task_id)
                assert again["status"] == "completed", again
                assert again["attempts"] == 2
        assert runner.counters.accepted == 4
        await until(lambda: runner.counters.cancelled == 2, "the lost attempts end")
        rows = web.rows("model_name = ?", runner.model)
    assert [row["status"] for row in rows] == ["completed"] * 2, "a lost attempt is charged nothing"
    await until(lambda: web.leases() == 0, "the lost attempts' reservations are given back")
