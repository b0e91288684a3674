"""A PostgreSQL of one's own: a fresh cluster in a folder of /tmp, gone afterwards."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from tests.deploy.local_process import free_port, running, unprivileged
from tests.required_services import binary

USER: Final = "aiplatform"


@contextlib.contextmanager
def postgres_server(password: str) -> Iterator[str]:
    """Run the server while the block runs; yield the URL of its empty database."""
    port = free_port()
    # Not below pytest's folder: that is closed to the unprivileged user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        _initialize(folder, password)
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",  # nothing of it outlives the test
        }
        options = [f"--{key}={value}" for key, value in settings.items()]
        url = f"postgres://{USER}:{password}@127.0.0.1:{port}/postgres"
        with running(
            [binary("postgres"), "-D", folder / "data", *options],
            log=folder / "log",
            ready=lambda: _answers(url),
            identity=unprivileged(),
            stop_signal=signal.SIGINT,  # does not wait for clients
        ):
            yield url


def _answers(url: str) -> bool:
    """Return whether the server takes connections; it listens before it does."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _initialize(folder: Path, password: str) -> None:
    identity = unprivileged()
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    password_file = folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)
    subprocess.run(
        [
            *(binary("initdb"), "-D", folder / "data", "--username", USER, "--pwfile"),
            *(password_file, "--auth", "scram-sha-256", "--no-sync", "--encoding", "UTF8"),
        ],
        check=True,
        capture_output=True,
        **identity,
    )
