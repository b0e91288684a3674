"""The web and what it needs, started with the environment of docker-compose.yml's `web`."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from tests.deploy.compose_file import REPOSITORY, compose
from tests.deploy.local_process import accepts, free_port, running
from tests.engine.tiny_models import save

MODEL: Final = "canned"
INTERVAL_S: Final = 0.2  # between the runner's tokens
TOKENS: Final = 8


@dataclass
class Installation:
    """One installation. `address` is nginx's, once it runs."""

    folder: Path
    secrets: dict[str, str]
    database_url: str
    redis_url: str
    port: int = field(default_factory=free_port)
    max_body_bytes: int = 100_000
    max_upload_bytes: int = 2_000_000
    address: str = ""
    key: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The service's own environment, with the places that differ on this machine."""
        resolved = compose(
            {
                **self.secrets,
                "MAX_BODY_BYTES": str(self.max_body_bytes),
                "MAX_UPLOAD_BYTES": str(self.max_upload_bytes),
            }
        )
        shared = resolved["x-environment"]
        places = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "VAR_DIR": str(self.folder),
            "STATIC_ROOT": str(self.folder / "static"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PATH": os.environ["PATH"],
            "DEFAULT_MODELS": "smollm2-135m-instruct",  # others are runners that few tests want
            "DJANGO_SETTINGS_MODULE": "aiplatform.settings",  # and not the tests' own
        }
        return {**shared, **places}

    def prepare(self) -> None:
        """Make tables, static files, the first user and key."""
        self.run("manage.py", "first_run", "--no-models")
        self.key = _first_key((self.folder / "first-run.txt").read_text())

    def run(self, *arguments: str) -> str:
        """Run Python in the service's environment and return what it prints."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def web(self) -> Iterator[None]:
        """Run the web with the command of the service."""
        command = compose(self.secrets)["services"]["web"]["command"]
        with running(
            [sys.executable, *command[1:]],
            log=self.folder / "web.log",
            ready=lambda: accepts(self.port),
            environment=self.environment,
        ):
            yield

    def register_model(self) -> None:
        """Create the model through the API, weights and all."""
        directory = save("llama", self.folder / "models" / MODEL)
        created = self.client().post(
            "/api/v1/models",
            json={
                "name": MODEL,
                "task": "chat",
                "source": f"path:{directory}",
                "context_length": 256,
                "max_output_tokens": 128,
                "is_default": True,
            },
        )
        assert created.status_code == 201, created.text

    @contextlib.contextmanager
    def runner(self) -> Iterator[None]:
        """Run a canned runner whose words are the times of their sending."""
        socket = self.folder / "canned.sock"
        with running(
            [
                *(sys.executable, "-m", "tests.canned_runner", "--socket", str(socket)),
                *("--model", MODEL, "--redis-url", self.redis_url, "--stamped"),
                *("--tokens", str(TOKENS), "--interval-ms", str(INTERVAL_S * 1000)),
            ],
            log=self.folder / "runner.log",
            ready=self._is_ready,
        ):
            yield

    def client(self, **options: Any) -> httpx.Client:
        """Return a client of nginx with the key."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return httpx.Client(base_url=self.address, headers=headers, timeout=30, **options)

    def history(self, columns: str) -> list[tuple[Any, ...]]:
        """Return those columns of the history, newest first, as PostgreSQL has them."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(
                f"SELECT {columns} FROM gateway_request ORDER BY id DESC"
            ).fetchall()

    def _is_ready(self) -> bool:
        return self.client().get("/health/ready").status_code == httpx.codes.OK


def _first_key(text: str) -> str:
    found = re.search(r"^API key: +(\S+)$", text, re.MULTILINE)
    assert found, text
    return found[1]
