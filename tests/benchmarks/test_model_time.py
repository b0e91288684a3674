"""What the canned runner takes is measured on its own wire."""

import tempfile
from pathlib import Path

from benchmarks.model_time import runner_ms
from tests.canned_runner import CannedRunner, Script


async def test_the_runner_s_own_time_is_its_delay_and_little_more() -> None:
    # pytest's own temporary folders can be too long for a unix socket.
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        runner = CannedRunner(Path(folder) / "socket", "mock", Script(delay_s=0.003))
        server = await runner.serve()
        async with server:
            assert await runner_ms(runner.socket) >= 3
    assert runner.counters.finished == 100
