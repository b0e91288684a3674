"""A batch survives that everything dies: no line is lost, and none is there twice."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.canned_runner import Script
from tests.jobs.batch_files import answers, begin, chat_line, ended, jsonl, sdk
from tests.jobs.working_web import LEASE_TTL_S, Worker
from tests.live_web import LiveWeb, StartWeb, until

LINES = 150


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(LEASE_TTL_S=str(LEASE_TTL_S), SHUTDOWN_GRACE_S="1") as web:
        yield web


async def test_workers_and_the_runner_die_and_every_line_is_answered_once(web: LiveWeb) -> None:
    script, model = Script(tokens=2, interval_s=0.05), web.stage()
    content = jsonl(chat_line(f"line-{n}", model) for n in range(LINES))
    with sdk(web) as client:
        batch = await asyncio.to_thread(begin, client, content)

        def done() -> int:
            counts = client.batches.retrieve(batch.id).request_counts
            return counts.completed if counts else 0

        async with web.runner(script, model=model):
            for goal in (1, 40):
                with Worker(web).running() as worker:
                    await until(lambda goal=goal: done() >= goal, f"{goal} lines", 60)  # type: ignore[misc]
                    for pid in worker.children():
                        os.kill(pid, signal.SIGKILL)
                    await until(lambda goal=goal: done() >= goal + 20, "it goes on", 60)  # type: ignore[misc]
                    worker.kill()
        # The runner is gone with what it was answering; another one comes.
        async with web.runner(script, model=model):
            web.store().flushall()  # a store that lost its memory, too
            with Worker(web).running():
                final = await asyncio.to_thread(ended, client, batch, 120)
        assert final.status == "completed", final
        output = answers(client, final.output_file_id)
    assert set(output) == {f"line-{n}" for n in range(LINES)}
    rows = web.rows("model_name = ? AND status = 'completed'", model)
    assert len(rows) == LINES, "each line is charged once"
    assert {row["charged_requests"] for row in rows} == {1}
