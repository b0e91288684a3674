"""A whole platform as its operator starts it, for tests: `manage.py first_run`, then `serve`.

    with running_platform(folder, models_dir=…) as platform:
        platform.client().post("/v1/chat/completions", json=…)

`tiny_model` adds a random model of a few thousand weights, which loads in seconds; without it the
platform serves the default chat model out of `models_dir` (fetched there first where missing).
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import redis

from inference.registry.directory import Replica, replicas
from tests.deploy.local_process import free_port

REPOSITORY: Final = Path(__file__).resolve().parents[1]
START_S: Final = 120.0
STOP_S: Final = 60.0
# Servers of the developer's own must not leak into a test.
_REMOVED: Final = ("REDIS_URL", "DATABASE_URL", "RUN_DIR", "SPOOL_DIR", "STATIC_ROOT", "HOST")


@dataclass
class PlatformProcess:
    """One installation in a folder, running or not."""

    var_dir: Path
    models_dir: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: text for name, text in os.environ.items() if name not in _REMOVED}
        places = {
            "VAR_DIR": str(self.var_dir),
            "MODELS_DIR": str(self.models_dir),
            "PORT": str(self.port),
            "DEFAULT_MODELS": "smollm2-135m-instruct",  # others are runners that few tests want
            "DJANGO_SETTINGS_MODULE": "aiplatform.settings",
        }
        return {**inherited, **places, **self.extra}

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything the platform wrote so far, banner and logs."""
        return (self.var_dir / "test.log").read_text(errors="replace")

    @property
    def key(self) -> str:
        """The first API key, an admin's."""
        return self._first("API key:")

    @property
    def password(self) -> str:
        """That of the first user, `admin`."""
        return self._first("Password:")

    def _first(self, what: str) -> str:
        lines = (self.var_dir / "first-run.txt").read_text().splitlines()
        return next(line.split()[-1] for line in lines if line.startswith(what))

    def client(self) -> httpx.Client:
        """Return a client with the first key."""
        return httpx.Client(base_url=self.base_url, headers=self._headers, timeout=60)

    def async_client(self) -> httpx.AsyncClient:
        """The same for asyncio."""
        return httpx.AsyncClient(base_url=self.base_url, headers=self._headers, timeout=60)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def manage(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run an operator's command in this installation."""
        return subprocess.run(
            [sys.executable, REPOSITORY / "manage.py", *arguments],
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=START_S,
        )

    def must(self, *arguments: str) -> str:
        """The same, which must succeed; return what it printed."""
        done = self.manage(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start `manage.py serve`, without waiting for anything."""
        with (self.var_dir / "test.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, REPOSITORY / "manage.py", "serve"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> bool:
        """Return whether a request for the default chat model would be served."""
        # Asked over HTTP only when the answer may be yes, so that its log stays readable. The
        # process is looked for as well: an announcement outlives its host agent by seconds.
        living = self.processes()
        if not any(one.state == "ready" and one.pid in living for one in self.replicas()):
            return False
        try:
            return httpx.get(f"{self.base_url}/health/ready", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def await_ready(self) -> None:
        """Wait until it is ready."""
        self.until(self.ready, "ready")

    def await_banner(self, times: int = 1) -> None:
        """Wait until the operator is told, for the `times`th time, that it is ready."""
        self.until(lambda: self.log.count("/v1/chat/completions \\") >= times, "banner")

    def until(self, true: Callable[[], object], what: str, seconds: float = START_S) -> None:
        """Wait until `true()` is; the test fails with the log after `seconds`."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.log[-6000:]}")
            time.sleep(0.05)  # between two looks

    def replicas(self) -> list[Replica]:
        """Return what is announced now, nothing while the store is away."""
        client = redis.Redis.from_url(f"unix://{self.var_dir / 'run' / 'valkey.sock'}")
        try:
            return replicas(client)
        except redis.RedisError:
            return []
        finally:
            client.close()

    def processes(self) -> dict[int, str]:
        """Return every process of this installation, whoever its parent is: id → command line."""
        mark = f"VAR_DIR={self.var_dir}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                environment = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while we looked, or is another user's
            # The store overwrites its environment with its title, which names its socket.
            if mark in environment or f"{self.var_dir}/".encode() in command:
                found[int(folder.name)] = command.decode(errors="replace")
        return found

    def pid_of(self, words: str) -> int:
        """Return the lowest id of a process whose command line has `words`."""
        return min(pid for pid, command in self.processes().items() if words in command)

    def replica(self, model: str = "tiny") -> Replica | None:
        """Return the model's replica that is ready now and whose process lives."""
        living = self.processes()
        for one in self.replicas():
            if one.model == model and one.state == "ready" and one.pid in living:
                return one
        return None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End `serve` with `number` and return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def kill_all(self) -> None:
        """Leave nothing behind, whatever a test did."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.process is not None:
            self.process.wait(STOP_S)


@contextmanager
def installation(
    folder: Path,
    *,
    models_dir: Path | None = None,
    tiny_model: Path | None = None,
    copy_of: PlatformProcess | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[PlatformProcess]:
    """Set one up in `folder` without starting it; at the end nothing of it runs any more.

    `folder` must be short: sockets lie below it, and pytest's own folders can be too long.
    `tiny_model` is a prepared model's directory; it becomes the only model, `tiny`. `copy_of` is an
    installation that does not run: copying it takes less time than setting one up.
    """
    platform = PlatformProcess(folder, models_dir or folder / "models", environment or {})
    try:
        if copy_of is not None:
            shutil.copytree(copy_of.var_dir, folder, dirs_exist_ok=True)
        else:
            _set_up(platform, tiny_model)
        yield platform
    finally:
        platform.kill_all()


@contextmanager
def running_platform(folder: Path, **options: Any) -> Iterator[PlatformProcess]:
    """The same, running and ready."""
    with installation(folder, **options) as platform:
        platform.start()
        platform.await_ready()
        yield platform


def _set_up(platform: PlatformProcess, tiny_model: Path | None) -> None:
    platform.var_dir.mkdir(parents=True, exist_ok=True)
    if tiny_model is None:
        platform.must("first_run")
        return
    platform.must("migrate", "--verbosity", "0")
    platform.must(*adding("tiny", tiny_model), "--default")
    platform.must("first_run", "--no-models")


def adding(name: str, directory: Path) -> tuple[str, ...]:
    """Return the command that registers the tiny model in `directory` as `name`."""
    sizes = ("--context-length", "128", "--max-output-tokens", "64", "--slots", "4")
    return ("models", "add", name, "--source", f"path:{directory}", "--dtype", "float32", *sizes)
