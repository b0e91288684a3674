"""What cannot work is refused before anything starts, and the message says what to do."""

import os
from pathlib import Path

import pytest

from aiplatform.supervisor.run_directory import (
    MAX_SOCKET_PATH,
    RunDirectoryError,
    default_run_directory,
    secure,
)
from tests.platform_process import PlatformProcess


def test_a_second_supervisor_is_refused_and_told_which_runs(platform: PlatformProcess) -> None:
    platform.await_ready()
    assert platform.process is not None
    second = platform.manage("serve", environment={"PORT": str(platform.port + 1)})
    assert second.returncode == 1
    assert f"process {platform.process.pid}" in second.stderr
    assert "VAR_DIR" in second.stderr
    assert platform.ready()


def test_a_busy_port_is_named_before_anything_starts(
    platform: PlatformProcess, fresh: PlatformProcess
) -> None:
    fresh.port = platform.port
    refused = fresh.manage("serve")
    assert refused.returncode == 1
    assert f"Port {platform.port}" in refused.stderr
    assert f"PORT={platform.port + 1} make run" in refused.stderr
    assert not (fresh.var_dir / "valkey").exists()


def test_a_store_of_the_operators_that_does_not_answer_is_named_without_its_password(
    fresh: PlatformProcess,
) -> None:
    url = "redis://:opensesame@127.0.0.1:1/0"
    refused = fresh.manage("serve", environment={"REDIS_URL": url})
    assert refused.returncode == 1
    assert "REDIS_URL" in refused.stderr
    assert "opensesame" not in refused.stderr
    assert not (fresh.var_dir / "valkey").exists()


def test_a_folder_too_long_for_sockets_is_replaced_by_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    chosen = default_run_directory(deep)
    assert len(os.fsencode(chosen / "r-00000000.sock")) <= MAX_SOCKET_PATH
    assert chosen == default_run_directory(deep)
    assert chosen != default_run_directory(deep / "other")
    assert default_run_directory(Path("/srv/var")) == Path("/srv/var/run")


def test_a_folder_too_long_that_was_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"RUN_DIR=/tmp/aiplatform make run"):
        secure(tmp_path / ("deep" * 30))
