"""Keeps one replica going: fetches the model, starts its runner, watches it, starts it again."""

import asyncio
import signal
import socket
import time
import uuid
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import structlog
from django.conf import settings

from aiplatform.supervisor.backoff import Backoff
from inference.engine.wire import Status
from inference.registry.agent.assignment import Assignment
from inference.registry.agent.heartbeat import statuses
from inference.registry.agent.preparation import Preparation, Report, needed
from inference.registry.agent.process import Process
from inference.registry.agent.sockets import runner_socket
from inference.registry.agent.stall import StallWatch
from inference.registry.directory import Replica
from inference.registry.sources import SourceError

# A runner's own bound for finishing what it began is 10 s.
DRAIN_S: Final = 13.0
# After a failure that the same configuration will meet again, unless somebody mends the files.
HOPEFUL_S: Final = 60.0
LOOK_S: Final = 0.5
LOAD_FAILED: Final = 2  # exit status of a runner that says why in its last line

log = structlog.get_logger("inference.registry.agent")


T = TypeVar("T")
_COPIED: Final = (
    *("progress", "running", "waiting", "slots", "steps", "tokens", "mean_request_s", "tier"),
    *("device", "resident_bytes", "detail", "estimated_wait_s"),
)


class FailedError(Exception):
    """The replica cannot be brought up as things are. The message is for people."""


class Keeper:
    """One model on this machine, for as long as its assignment stays the same."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self._process: Process | None = None
        self._reason = ""
        self._backoff = Backoff()
        self._restarts = 0
        self._replica = self._fresh("loading")

    @property
    def replica(self) -> Replica:
        """How the replica is now."""
        return self._replica

    async def run(self) -> None:
        """Keep the replica going until cancelled; its process has ended when this returns."""
        try:
            while True:
                await asyncio.sleep(await self._attempt())
                self._restarts += 1
        finally:
            await self._end()

    async def _attempt(self) -> float:
        """Bring the replica up and stay until it is down; return the seconds to wait then."""
        began = time.monotonic()
        self._remove_socket()
        try:
            await self._prepare()
            status = await self._serve()
        except (FailedError, SourceError, OSError) as error:
            return self._failed(str(error), HOPEFUL_S)
        if status == LOAD_FAILED:
            return self._failed(self._reason or "the runner gave no reason", HOPEFUL_S)
        delay = self._backoff.delay_after(time.monotonic() - began)
        return self._failed(f"the runner ended {_in_words(status)}", delay)

    def _failed(self, reason: str, delay: float) -> float:
        log.error("replica down", model=self.assignment.model, reason=reason, again_in_s=delay)
        self._set(state="failed", detail=reason, pid=0)
        return delay

    async def _prepare(self) -> None:
        mine = self.assignment
        wanted = Preparation(mine.source, mine.directory, mine.dtype)
        if not await asyncio.to_thread(needed, wanted):
            return
        self._replica, self._reason = self._fresh("fetching"), ""
        argument = msgspec.json.encode(wanted).decode()
        module = ("-m", "inference.registry.agent.preparation", argument)
        self._process = await Process.start(*module, on_line=self._note_fetching)
        if await self._process.ended() != 0:
            raise FailedError(self._reason or "fetching ended without a reason; see the log")

    def _note_fetching(self, line: bytes) -> None:
        report = _decoded(line, Report)
        if report is not None:
            self._reason = report.error or self._reason
            self._set(progress=report.progress, detail=report.step)

    async def _serve(self) -> int:
        self._replica, self._reason = self._fresh("loading"), ""
        path = Path(self._replica.address.removeprefix("unix:"))
        config = msgspec.json.encode(self.assignment.runner_config(str(path))).decode()
        self._process = await Process.start(
            *("-m", "inference.engine.runner", config),
            on_line=self._note_words,
            environment=_threads(self.assignment.threads),
        )
        self._set(pid=self._process.pid)
        watching = asyncio.create_task(self._watch(self._process, path))
        try:
            return await self._process.ended()
        finally:
            watching.cancel()

    def _note_words(self, line: bytes) -> None:
        words = _decoded(line, _Words)
        if words is not None and words.event == "load_failed":
            self._reason = words.detail

    async def _watch(self, process: Process, path: Path) -> None:
        stall = StallWatch(time.monotonic())
        hearing = asyncio.create_task(self._hear(stall, path))
        try:
            while not stall.hopeless(time.monotonic()):
                if stall.stuck(time.monotonic()):
                    self._mark_stuck()
                await asyncio.sleep(LOOK_S)
            log.error("runner is killed", model=self.assignment.model, pid=process.pid)
            process.kill()
        finally:
            hearing.cancel()

    async def _hear(self, stall: StallWatch, path: Path) -> None:
        async for status in statuses(path):
            stall.note(status, time.monotonic())
            stuck = stall.stuck(time.monotonic())
            self._set(**_figures(status), state="stuck" if stuck else status.state)

    def _mark_stuck(self) -> None:
        if self._replica.state != "stuck":
            log.error("runner is stuck", model=self.assignment.model, pid=self._replica.pid)
            self._set(state="stuck")

    async def _end(self) -> None:
        if self._process is not None:
            self._set(state="draining")
            await self._process.end(DRAIN_S)
        self._remove_socket()

    def _remove_socket(self) -> None:
        """Clear away what a killed runner leaves."""
        Path(self._replica.address.removeprefix("unix:")).unlink(missing_ok=True)

    def _fresh(self, state: str) -> Replica:
        """Return a new replica: nobody mistakes its socket or counters for the last start's."""
        # Short, because the path of a unix socket is bounded; the directory has the model's name.
        start = uuid.uuid4().hex[:8]
        return Replica(
            id=f"{self.assignment.model}-{start}",
            model=self.assignment.model,
            address=f"unix:{runner_socket(settings.RUN_DIR, start)}",
            state=state,
            host=socket.gethostname(),
            slots=self.assignment.slots,
            restarts=self._restarts,
        )

    def _set(self, **fields: Any) -> None:
        self._replica = msgspec.structs.replace(self._replica, **fields)


class _Words(msgspec.Struct):
    """What interests the agent in a line of the runner's log."""

    event: str = ""
    detail: str = ""


def _decoded(line: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError:
        return None  # a library's own words, which went to the log as they are


def _figures(status: Status) -> dict[str, Any]:
    return {name: getattr(status, name) for name in _COPIED}


def _threads(count: int) -> dict[str, str]:
    """Every library that makes threads of its own is told the same number."""
    return {
        "OMP_NUM_THREADS": str(count),
        "MKL_NUM_THREADS": str(count),
        "OPENBLAS_NUM_THREADS": str(count),
        "TOKENIZERS_PARALLELISM": "false",
    }


def _in_words(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
