"""However the platform ends, nothing of it stays behind."""

import asyncio
import signal

import pytest

from tests.platform_process import PlatformProcess

EXPECTED = (
    *("manage.py serve", "manage.py agent", "manage.py web", "celery"),
    *("inference.engine.runner", "unixsocket:"),
)


def test_a_killed_supervisor_takes_every_process_with_it(fresh: PlatformProcess) -> None:
    fresh.start()
    fresh.await_banner()
    commands = " ".join(fresh.processes().values())
    assert all(words in commands for words in EXPECTED)
    fresh.stop(signal.SIGKILL)
    fresh.until(lambda: not fresh.processes(), "nothing left", seconds=5)

    # What died like that starts again at once, on the same port and the same data, and ends well.
    fresh.start()
    fresh.await_banner(times=2)
    assert fresh.stop(signal.SIGTERM) == 0
    assert fresh.processes() == {}
    assert "did not end in time" not in fresh.log
    assert not list((fresh.var_dir / "run").glob("r-*.sock"))


@pytest.mark.parametrize("signals", [1, 2])
def test_a_stop_while_everything_is_still_starting_is_obeyed(
    fresh: PlatformProcess, signals: int
) -> None:
    fresh.start()
    fresh.until(lambda: "manage.py agent" in str(fresh.processes()), "agent started")
    assert fresh.process is not None
    for _ in range(signals):
        fresh.process.send_signal(signal.SIGINT)
        fresh.until(lambda: "stopping" in fresh.log, "noticed")
    assert fresh.process.wait(30) == 0
    fresh.until(lambda: not fresh.processes(), "nothing left", seconds=1)


async def test_answers_under_way_are_finished_before_the_end(fresh: PlatformProcess) -> None:
    fresh.extra = {"SHUTDOWN_GRACE_S": "60"}
    fresh.start()
    await asyncio.to_thread(fresh.await_banner)
    questions = [{"prompt": f"number {n}", "max_tokens": 48} for n in range(60)]
    async with fresh.async_client() as client:
        asked = [
            asyncio.create_task(client.post("/v1/completions", json=question))
            for question in questions
        ]
        await asyncio.to_thread(fresh.until, lambda: _working(fresh), "answers under way", 30)
        status = await asyncio.to_thread(fresh.stop, signal.SIGTERM)
        answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200] * len(questions)
    assert status == 0
    assert fresh.processes() == {}


def _working(platform: PlatformProcess) -> bool:
    return any(replica.running > 0 for replica in platform.replicas())
