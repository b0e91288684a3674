"""One child process: started, watched, started again, ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from aiplatform.supervisor.backoff import Backoff
from aiplatform.supervisor.parent_death import bound_to_this_process

log = structlog.get_logger("aiplatform.supervisor")


@dataclass(frozen=True)
class ChildSpec:
    """What to run. `grace_s` is how long it may take to end when asked.

    Children of a later stage depend on those of the earlier ones and end before them.
    """

    name: str
    stage: int
    command: tuple[str, ...]
    grace_s: float
    environment: Mapping[str, str] = field(default_factory=dict)
    inherited: tuple[int, ...] = ()  # file descriptors


class Child:
    """A process that should always be running, until it is told to end."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self._backoff = Backoff()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self._restart_at = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  # our own command, no shell
            self.spec.command,
            env={**os.environ, "PYTHONPATH": str(settings.BASE_DIR), **self.spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            pass_fds=self.spec.inherited,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),
        )
        log.info("child started", child=self.spec.name, pid=self._process.pid)

    def tend(self) -> int | None:
        """Start it again where it died and its time has come; return the id of one found dead."""
        if self._process is None:
            if self._restart_at is not None and time.monotonic() >= self._restart_at:
                self.restarts += 1
                self.start()
            return None
        return self._bury(self._process)

    def _bury(self, process: subprocess.Popen[bytes]) -> int | None:
        code = process.poll()
        if code is None:
            return None
        lived = time.monotonic() - self._started_at
        delay = self._backoff.delay_after(lived)
        # What it had started itself goes too, before a second one of it appears.
        _signal_group(process.pid, signal.SIGKILL)
        self._process, self._restart_at = None, time.monotonic() + delay
        log.error(
            "child died",
            child=self.spec.name,
            exit_code=code,
            lived_s=round(lived, 1),
            restart_in_s=delay,
        )
        return process.pid

    def running(self) -> bool:
        """Return whether it runs right now."""
        return self._process is not None and self._process.poll() is None

    def ask_to_end(self) -> None:
        """Send SIGTERM to the child alone; it ends its own children in its own order."""
        self._restart_at = None
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it and everything in its process group at once."""
        self._restart_at = None
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return
