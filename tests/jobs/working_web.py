"""A web with a real worker beside it, for the tests of jobs."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.deploy.local_process import running
from tests.live_web import REPOSITORY, LiveWeb, until

PROCESSES: Final = 2
LEASE_TTL_S: Final = 2
ENDED: Final = ("completed", "failed", "cancelled")


@dataclass
class Worker:
    """The worker of a web's installation, with its scheduler."""

    web: LiveWeb
    process: "subprocess.Popen[bytes] | None" = None

    @contextlib.contextmanager
    def running(self) -> Iterator["Worker"]:
        """Run it while the block runs; the block begins when it takes work."""
        command = [
            *(sys.executable, "-m", "celery", "--quiet", "--workdir", str(REPOSITORY)),
            *("--app", "aiplatform", "worker"),
            *("--pool", "prefork", "--concurrency", str(PROCESSES), "--beat"),
            *("--schedule", str(self.web.folder / "beat-schedule")),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
        environment = {**self.web.environment, "CELERY_SKIP_CHECKS": "1"}
        ready = self.log_file.stat().st_size if self.log_file.exists() else 0
        with running(
            command,
            log=self.log_file,
            ready=lambda: b" ready." in self.log_file.read_bytes()[ready:],
            environment=environment,
        ) as self.process:
            yield self

    @property
    def log_file(self) -> Path:
        return self.web.folder / "worker.log"

    def children(self) -> list[int]:
        """Return the ids of its processes: those that do the work, and the scheduler."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sorted(int(child) for child in children)

    def kill(self) -> None:
        """End it and its children as a power cut would."""
        assert self.process is not None
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def submit(client: httpx.Client, *, model: str, **body: Any) -> str:
    """Submit a job and return its id."""
    answer = client.post("/api/v1/generate/async", json={"text": "Hello", "model": model, **body})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["task_id"])


def task(client: httpx.Client, task_id: str) -> dict[str, Any]:
    """Return the job as it is now."""
    answer = client.get(f"/api/v1/tasks/{task_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ended(client: httpx.Client, task_id: str, seconds: float = 30) -> dict[str, Any]:
    """Wait until the job has ended and return it."""
    return await reached(client, task_id, *ENDED, seconds=seconds)


async def reached(
    client: httpx.Client, task_id: str, *statuses: str, seconds: float = 30
) -> dict[str, Any]:
    """Wait until the job has one of the statuses and return it."""
    await until(
        lambda: task(client, task_id)["status"] in statuses, f"{task_id} is {statuses}", seconds
    )
    return task(client, task_id)
