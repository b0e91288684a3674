"""The Redis-protocol server as docker-compose.yml runs it: by the same script, with a password."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import redis

from tests.deploy.compose_file import compose
from tests.deploy.local_process import free_port, running
from tests.required_services import binary


@contextlib.contextmanager
def password_store(folder: Path, secrets: dict[str, str]) -> Iterator[str]:
    """Run the server while the block runs; yield its URL."""
    port = free_port()
    password = secrets["VALKEY_PASSWORD"]
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    script = compose(secrets)["services"]["valkey"]["command"][-1]
    with running(
        ["sh", "-c", _here(script, folder, port)],
        log=folder / "store.log",
        ready=lambda: _answers(url),
        environment={"VALKEY_PASSWORD": password},
    ):
        yield url


def _here(script: str, folder: Path, port: int) -> str:
    """Return the service's script with this machine's program, folder and port."""
    program = os.fspath(binary("redis-server"))
    changed = script.replace("valkey-server -", f"{program} - --bind 127.0.0.1 --port {port}")
    return changed.replace("/data", str(folder))


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.ConnectionError:
        return False
