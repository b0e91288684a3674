"""Children that die come back by themselves."""

import os
import signal

import pytest

from tests.platform_process import PlatformProcess

# The store replaces its command line by a title of its own.
CHILDREN = ["manage.py web", "-m celery", "manage.py agent", "unixsocket:"]


@pytest.mark.parametrize("words", CHILDREN)
def test_a_killed_child_comes_back(platform: PlatformProcess, words: str) -> None:
    platform.await_ready()
    killed = platform.pid_of(words)
    os.kill(killed, signal.SIGKILL)
    platform.until(lambda: killed not in platform.processes(), "dead", seconds=10)
    platform.until(
        lambda: any(words in command for command in platform.processes().values()),
        f"{words} is back",
        seconds=20,
    )
    platform.await_ready()


def test_no_process_but_the_runner_imports_torch(platform: PlatformProcess) -> None:
    platform.await_ready()
    with_torch = [command for pid, command in platform.processes().items() if _has_torch(pid)]
    assert with_torch  # one a model: other tests may have registered more on this platform
    assert all("inference.engine.runner" in command for command in with_torch)


def _has_torch(pid: int) -> bool:
    with open(f"/proc/{pid}/maps") as maps:
        return "libtorch" in maps.read()
