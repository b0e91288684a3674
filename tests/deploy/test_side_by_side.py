"""`make test` runs every test, and fails where any of its shares does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.platform_process import REPOSITORY
from tests.side_by_side import ROOT, shares

PASSES = "def test_one(): pass"
FAILS = "def test_two(): assert 'apples' == 'pears'"
FAILS_WHILE_COLLECTED = "raise RuntimeError('not today')"
WAITS = """
import pathlib, time, pytest
FOLDER = pathlib.Path(__file__).parent

@pytest.fixture
def server():
    (FOLDER / "begun").touch()
    yield
    (FOLDER / "ended").touch()

def test_three(server):
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite of its own, with settings of its own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:cacheprovider\n")
    return tmp_path


def share(folder: Path, name: str, tests: str) -> Path:
    made = folder / name
    made.mkdir()
    (made / f"test_{name}.py").write_text(tests)
    return made


def started(*chosen: Path) -> "subprocess.Popen[str]":
    """Start a run of the shares, as `make test` does."""
    bare = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("DJANGO_", "PYTEST_"))
    }
    bare["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they start in half the time
    command = [sys.executable, "-m", "tests.side_by_side", *map(str, chosen)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=bare, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_every_test_belongs_to_exactly_one_share() -> None:
    chosen = [path for share in shares() for path in share]
    for file in ROOT.rglob("test_*.py"):
        assert [file.is_relative_to(one) for one in chosen].count(True) == 1, file
    assert all(path.exists() for path in chosen)


def test_where_all_pass_so_does_the_run_and_they_are_counted_together(folder: Path) -> None:
    run = started(share(folder, "one", PASSES), share(folder, "other", PASSES))
    printed, _ = run.communicate()
    assert run.returncode == 0
    assert "\n2 passed in " in printed


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        (FAILS, "assert 'apples' == 'pears'"),
        (FAILS_WHILE_COLLECTED, "not today"),
        ("", "no tests ran"),
    ],
    ids=["a test fails", "it cannot be imported", "it has no tests"],
)
def test_one_share_that_fails_fails_the_run_and_says_why(
    folder: Path, tests: str, told: str
) -> None:
    run = started(share(folder, "bad", tests), share(folder, "good", PASSES))
    printed, _ = run.communicate()
    assert run.returncode == 1
    assert told in printed
    assert "1 passed" in printed
    assert "FAILED: bad" in printed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_a_run_that_is_ended_first_ends_what_its_tests_started(
    folder: Path, how: signal.Signals
) -> None:
    waits = [share(folder, name, WAITS) for name in ("one", "other", "third")]
    run = started(*waits)
    deadline = time.monotonic() + 60
    while not all((one / "begun").exists() for one in waits[:2]):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # between two looks
    run.send_signal(how)
    run.communicate(timeout=60)
    assert run.returncode != 0
    assert [(one / "ended").exists() for one in waits] == [True, True, False]
    assert not (waits[2] / "begun").exists()
