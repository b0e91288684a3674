"""Runners that die or hang, and what the agent does while it cannot see registry or directory."""

import os
import signal
import sqlite3
from contextlib import closing

from inference.registry.directory import Replica
from tests.platform_process import PlatformProcess


def test_a_killed_runner_is_ready_again_as_a_new_replica(platform: PlatformProcess) -> None:
    killed = _tiny(platform)
    os.kill(killed.pid, signal.SIGKILL)
    platform.until(lambda: killed.pid not in platform.processes(), "dead", seconds=5)
    again = _tiny(platform)
    assert again.id != killed.id
    assert again.address != killed.address
    assert again.restarts == killed.restarts + 1


def test_a_runner_that_stands_still_is_not_called_ready(platform: PlatformProcess) -> None:
    stopped = _tiny(platform)
    os.kill(stopped.pid, signal.SIGSTOP)
    try:
        platform.until(lambda: _state(platform, stopped) == "stuck", "stuck", seconds=20)
        assert not platform.ready()
    finally:
        os.kill(stopped.pid, signal.SIGCONT)
    platform.until(lambda: _state(platform, stopped) == "ready", "ready again", seconds=10)


def test_a_lost_store_ends_no_runner(platform: PlatformProcess) -> None:
    before = _tiny(platform)
    os.kill(platform.pid_of("unixsocket:"), signal.SIGKILL)
    platform.until(lambda: not platform.replicas(), "the store is away", seconds=5)
    assert _tiny(platform).pid == before.pid


def test_a_lost_database_ends_no_runner(platform: PlatformProcess) -> None:
    before = _tiny(platform)
    said = platform.log.count("the database")
    _sql(platform, "ALTER TABLE registry_model RENAME TO away")
    try:
        platform.until(lambda: platform.log.count("the database") > said, "noticed", seconds=10)
    finally:
        _sql(platform, "ALTER TABLE away RENAME TO registry_model")
    platform.until(lambda: platform.log.count("the database") == said + 2, "back", seconds=10)
    assert _tiny(platform).pid == before.pid


def _tiny(platform: PlatformProcess) -> Replica:
    platform.until(platform.replica, "tiny is ready")
    replica = platform.replica()
    assert replica is not None
    return replica


def _state(platform: PlatformProcess, replica: Replica) -> str:
    return next((one.state for one in platform.replicas() if one.id == replica.id), "")


def _sql(platform: PlatformProcess, statement: str) -> None:
    with closing(sqlite3.connect(platform.var_dir / "db.sqlite3", timeout=20)) as database:
        # Otherwise SQLite rewrites the references of other tables as well, and not back again.
        database.execute("PRAGMA legacy_alter_table=ON")
        database.execute(statement)
