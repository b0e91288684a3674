"""A platform with a worker whose processes can be killed one by one: for what jobs must survive."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from django.conf import settings

from aiplatform.supervisor.parent_death import bound_to_this_process
from benchmarks import platform_server
from benchmarks.platform_server import MODEL

_READY_S: Final = 120.0


class Part:
    """One process that is started, killed as a power cut would, and started again."""

    def __init__(self, command: Sequence[str], log: Path, ready: Callable[[], bool]) -> None:
        self._command = command
        self._log = log
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it is ready."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "CELERY_SKIP_CHECKS": "1"},
                start_new_session=True,
                preexec_fn=bound_to_this_process(),
            )
        deadline = time.monotonic() + _READY_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"did not start; see {self._log}")
            time.sleep(0.1)  # between two looks

    def children(self) -> list[int]:
        """Return the ids of its child processes."""
        assert self._process is not None
        pid = self._process.pid
        with suppress(FileNotFoundError):
            return [
                int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            ]
        return []

    def kill(self) -> None:
        """End it and its children without a word."""
        assert self._process is not None
        for pid in [self._process.pid, *self.children()]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it as an operator does."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass(frozen=True)
class JobsPlatform:
    """The platform, and those of its processes that a benchmark may kill."""

    client: httpx.Client
    store: Part
    runner: Part
    worker: Part


@contextmanager
def running_jobs_platform(
    folder: Path, models: Path, *, runner: Sequence[str] = (), real: bool = False
) -> Iterator[JobsPlatform]:
    """Run it with an empty VAR_DIR in `folder`. `runner`: options of the canned runner, which
    answers unless `real` asks for the model itself.
    """
    platform_server.configure(folder)
    key = platform_server.make_rows(models / MODEL)
    socket = folder / "runner.sock"
    command = [*platform_server.runner_command(socket), *runner]
    with ExitStack() as stack:
        store = _started(stack, _store(folder))
        answering = _agent(folder) if real else Part(command, folder / "runner.log", socket.exists)
        _started(stack, answering)
        platform_server.start_web(stack, folder)
        worker = _started(stack, _worker(folder))
        headers = {"Authorization": f"Bearer {key}"}
        address = f"http://127.0.0.1:{settings.PORT}"
        client = httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False)
        yield JobsPlatform(stack.enter_context(client), store, answering, worker)


def _started(stack: ExitStack, part: Part) -> Part:
    stack.callback(part.stop)
    part.start()
    return part


def _store(folder: Path) -> Part:
    from aiplatform.supervisor import key_value_server

    command = key_value_server.private_server().command
    return Part(command, folder / "store.log", key_value_server.answers)


def _agent(folder: Path) -> Part:
    return Part(_command_of("agent"), folder / "agent.log", lambda: True)


def _worker(folder: Path) -> Part:
    log = folder / "worker.log"
    log.touch()
    return Part(_command_of("worker"), log, lambda: b" ready." in log.read_bytes()[-2000:])


def _command_of(name: str) -> tuple[str, ...]:
    from aiplatform.supervisor import plan

    (spec,) = (one for one in plan.children(-1) if one.name == name)
    return spec.command
