"""Where cores are short, chat goes before the other kinds."""

import os
from pathlib import Path

import pytest

from inference.engine.process import BEHIND_CHAT
from inference.engine.task import CHAT, EMBEDDINGS, Task
from tests.engine import tiny_models
from tests.engine.gateways import greet, start
from tests.kinds import tiny

MOST = 19


@pytest.mark.parametrize(("task", "behind"), [(CHAT, 0), (EMBEDDINGS, BEHIND_CHAT)])
async def test_every_thread_of_a_runner_and_its_session_have_their_place(
    tmp_path: Path, task: Task, behind: int
) -> None:
    if task == CHAT:
        tiny_models.save("llama", tmp_path)
    else:
        tiny.save_embeddings(tmp_path)
    process = start(tmp_path, tmp_path / "runner.sock", task=task)
    try:
        gateway = await greet(tmp_path / "runner.sock")
        threads = [int(one) for one in os.listdir(f"/proc/{process.pid}/task")]
        found = {os.getpriority(os.PRIO_PROCESS, one) for one in threads}
        session = niceness_of_session(process.pid)
        gateway.writer.close()
    finally:
        process.kill()
        process.communicate()
    assert len(threads) > 1
    assert found == {min(MOST, os.getpriority(os.PRIO_PROCESS, 0) + behind)}
    assert session in (behind, None)


def niceness_of_session(process: int) -> int | None:
    """Return what Linux weighs the session of a process by, where it does."""
    file = Path(f"/proc/{process}/autogroup")
    return int(file.read_text().split()[-1]) if file.exists() else None
