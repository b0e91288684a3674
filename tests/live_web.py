"""A real web process with its own store, database and cast, for the tests of everything it serves.

`live_web` is one for the whole run, with a canned runner for the model `tiny`. A test that breaks
things, or needs other settings, starts its own with `start_web`.
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import redis

from inference.gateway.replicas import FRESH_S
from inference.registry.directory import replicas
from tests.canned_runner import CannedRunner, Script
from tests.deploy.local_process import free_port, running
from tests.engine.text.small_tokenizers import byte_level, write_directory
from tests.live_cast import CONTEXT_LENGTH, STAGES
from tests.store_process import running_store

REPOSITORY: Final = Path(__file__).resolve().parents[1]
WAIT_S: Final = 20.0
# What a developer's own environment must not decide.
_REMOVED: Final = (
    *("DATABASE_URL", "REDIS_URL", "MODELS_DIR", "RUN_DIR", "SPOOL_DIR", "STATIC_ROOT"),
    "FILES_DIR",
)
# All tests call from one address. Those of the rates set their own.
_UNLIMITED: Final = {
    "ANONYMOUS_RATES": "1000000/d",
    **{
        f"{group}_RATES_BY_{by}": "1000000/d"
        for group in ("SIGN_IN", "REFRESH", "SIGN_UP", "KEY_CREATION", "UPLOAD", "WEBHOOK")
        for by in ("ADDRESS", "NAME")
    },
}


@dataclass
class LiveWeb:
    """One web process and what it stands on."""

    folder: Path
    keys: dict[str, str]
    store_url: str
    extra: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    _stages: Iterator[int] = field(default_factory=itertools.count)

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: text for name, text in os.environ.items() if name not in _REMOVED}
        places = {
            "VAR_DIR": str(self.folder),
            "REDIS_URL": self.store_url,
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "aiplatform.settings",
        }
        return {**inherited, **places, **_UNLIMITED, **self.extra}

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator["LiveWeb"]:
        """Run the process, as the supervisor does, while the block runs."""
        command = [sys.executable, str(REPOSITORY / "manage.py"), "web"]
        with running(
            command, log=self.log_file, ready=self._lives, environment=self.environment
        ) as self.process:
            yield self

    def beside(self) -> "LiveWeb":
        """Return a second web, not running yet, on the same store and database."""
        return replace(self, port=free_port(), process=None)

    def client(self, key: str | None = "ada", **options: Any) -> httpx.Client:
        """Return a client with that key of the cast, or with none."""
        return httpx.Client(**self._options(key, options))

    def async_client(self, key: str | None = "ada", **options: Any) -> httpx.AsyncClient:
        """The same for tests that do several things at once."""
        return httpx.AsyncClient(**self._options(key, options))

    def _options(self, key: str | None, further: dict[str, Any]) -> dict[str, Any]:
        bearer = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        return {
            "base_url": self.base_url,
            "timeout": 30,
            "limits": limits,
            "trust_env": False,
            "verify": False,  # no TLS here, and certificates take long to load
            **further,
            "headers": {**bearer, **further.get("headers", {})},
        }

    @contextlib.asynccontextmanager
    async def runner(
        self, script: Script | None = None, *, model: str | None = None, **options: Any
    ) -> AsyncIterator[CannedRunner]:
        """Serve `script` in this process, as a model that no other test uses unless one is named.

        The block begins when the web sees it.
        """
        name = model or self.stage()
        socket = self.folder / f"{name}-{time.monotonic_ns()}.sock"
        options.setdefault("context_length", CONTEXT_LENGTH)
        runner = CannedRunner(socket, name, script or Script(), **options)
        async with runner.announced(self.store()):
            await asyncio.sleep(FRESH_S)  # as old as what the web knows may be
            yield runner

    def stage(self) -> str:
        """Return the name of a model of this installation that no other test uses."""
        number = next(self._stages)
        assert number < STAGES, "raise STAGES: the cast has no more models"
        return f"stage-{number}"

    def manage(self, *command: str) -> None:
        """Run an operator's command in the web's installation."""
        command = (sys.executable, str(REPOSITORY / "manage.py"), *command)
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    def store(self) -> "redis.Redis":
        """Return a client of the store."""
        return redis.Redis.from_url(self.store_url)

    def leases(self) -> int:
        """Return how many requests hold a reservation."""
        now = time.time() * 1000  # one that has expired is as good as gone
        return int(self.store().zcount("leases", now, "+inf"))

    def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Run a statement in the web's database, past the web."""
        with contextlib.closing(
            sqlite3.connect(self.folder / "db.sqlite3", timeout=20)
        ) as database:
            database.row_factory = sqlite3.Row
            found = [dict(row) for row in database.execute(statement, values)]
            database.commit()
        return found

    def rows(self, condition: str = "1", *values: Any) -> list[dict[str, Any]]:
        """Return history rows, oldest first."""
        return self.sql(f"SELECT * FROM gateway_request WHERE {condition} ORDER BY id", *values)

    def row(self, request_id: str) -> dict[str, Any]:
        """Return the one history row of a request."""
        (row,) = self.rows("id = ?", plain(request_id))
        return row

    def body(self, request_id: str) -> dict[str, Any] | None:
        """Return what is stored of a request's texts."""
        statement = "SELECT * FROM gateway_requestbody WHERE request_id = ?"
        found = self.sql(statement, plain(request_id))
        return found[0] if found else None

    @property
    def log_file(self) -> Path:
        return self.folder / "web.log"

    def log_lines(self, request_id: str = "") -> list[dict[str, Any]]:
        """Return the log so far; only one request's lines where it is named."""
        lines = [line for line in self.log_file.read_text().splitlines() if request_id in line]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        text = self.client(None).get("/metrics").text
        return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])

    def _lives(self) -> bool:
        try:
            return self.client(None).get("/health/live").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def plain(request_id: str) -> str:
    """Return an id as SQLite keeps it, whatever a door put before it."""
    return request_id[-36:].replace("-", "")


async def until(true: Callable[[], object], what: str, seconds: float = WAIT_S) -> None:
    """Wait until `true()` is; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)  # between two looks


StartWeb = Callable[..., AbstractContextManager[LiveWeb]]


@pytest.fixture(scope="session")
def start_web() -> Iterator[StartWeb]:
    """`start_web(NAME="value", …)` runs a web of its own with that environment."""
    # Sockets lie below it; pytest's own folders can be too long for them.
    with tempfile.TemporaryDirectory(prefix="live-") as name, ExitStack():
        template = Path(name) / "template"
        keys = _make_template(template, {})
        numbers = itertools.count()

        @contextlib.contextmanager
        def start(
            *, started: bool = True, cast_again: bool = False, **environment: str
        ) -> Iterator[LiveWeb]:
            folder = Path(name) / f"w{next(numbers)}"
            if cast_again:  # into another database than the one that can be copied
                own_keys = _make_template(folder, environment)
            else:
                own_keys = keys
                shutil.copytree(template, folder)
            with running_store(folder) as store_url:
                web = LiveWeb(folder, own_keys, store_url, environment)
                if not started:
                    yield web
                    return
                with web.running():
                    yield web

        yield start


@pytest.fixture(scope="session")
def live_web(start_web: StartWeb) -> Iterator[LiveWeb]:
    """The web that most tests share; `tiny` answers five words at once."""
    with start_web(CORS_ALLOWED_ORIGINS="https://app.example") as web:
        runner = CannedRunnerProcess(web)
        with runner.running():
            yield web


@dataclass
class CannedRunnerProcess:
    """A canned runner that does not share the test's process."""

    web: LiveWeb
    model: str = "tiny"
    tokens: int = 5
    interval_ms: float = 0
    word: str = "word"
    stamped: bool = False

    @contextlib.contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it while the block runs; the block begins when it is announced."""
        folder = self.web.folder
        command = [
            *(sys.executable, "-m", "tests.canned_runner", "--model", self.model),
            *("--socket", str(folder / f"{self.model}.sock"), "--redis-url", self.web.store_url),
            *("--tokens", str(self.tokens), "--context-length", str(CONTEXT_LENGTH)),
            *("--interval-ms", str(self.interval_ms), "--word", self.word),
            *(["--stamped"] if self.stamped else []),
        ]
        log = folder / f"{self.model}.log"
        with running(command, log=log, ready=self._announced) as process:
            time.sleep(FRESH_S)  # as old as what the web knows may be
            yield process

    def _announced(self) -> bool:
        return any(replica.model == self.model for replica in replicas(self.web.store()))


def _make_template(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Set up an installation; return its keys."""
    directory = folder / "tiny-model"
    directory.mkdir(parents=True)
    write_directory(directory, byte_level())
    web = LiveWeb(folder, {}, "unix:///nowhere", environment)
    made = subprocess.run(
        [sys.executable, "-m", "tests.live_cast", directory],
        cwd=REPOSITORY,
        env=web.environment,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    keys: dict[str, str] = json.loads(made.stdout)
    return keys
