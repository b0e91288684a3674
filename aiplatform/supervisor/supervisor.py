"""The supervisor: starts the children, keeps them running, ends them in reverse order."""

import shutil
import socket
import time
from itertools import groupby
from pathlib import Path
from typing import Final

import structlog
from prometheus_client.multiprocess import mark_process_dead

from aiplatform.supervisor import key_value_server
from aiplatform.supervisor.child import Child, ChildSpec
from aiplatform.supervisor.greeting import Greeting
from aiplatform.supervisor.plan import metrics_folder
from aiplatform.supervisor.stop_signals import StopSignals

TICK_S: Final = 0.25
STORE_START_S: Final = 30.0  # a large append-only file takes a while to read

log = structlog.get_logger("aiplatform.supervisor")


class Supervisor:
    """Runs in one thread: every child is forked from the main thread, see parent_death."""

    def __init__(self, specs: list[ChildSpec], listening: socket.socket) -> None:
        self._children = [Child(spec) for spec in sorted(specs, key=_stage)]
        self._listening = listening
        self._greeting = Greeting()

    def run(self) -> None:
        """Start everything, keep it running until told to stop, then leave nothing running."""
        _make_empty(metrics_folder())
        with StopSignals() as signals:
            try:
                self._start(signals)
                while not signals.wait(TICK_S):
                    self._tend()
                    self._greeting.advance()
                self._drain(signals)
            finally:
                for child in self._children:
                    child.kill()

    def _start(self, signals: StopSignals) -> None:
        for child in self._children:
            child.start()
            if child.spec.stage == 0:
                self._await_store(child, signals)

    def _await_store(self, store: Child, signals: StopSignals) -> None:
        deadline = time.monotonic() + STORE_START_S
        while not key_value_server.answers() and not signals.wait(0.05):
            store.tend()
            if time.monotonic() > deadline:
                raise key_value_server.StoreError(
                    "The Redis-protocol server does not come up; its own messages are above."
                )

    def _tend(self) -> None:
        for child in self._children:
            dead = child.tend()
            if dead is not None:
                # Otherwise /metrics counts what the dead process had open for ever.
                mark_process_dead(dead, str(metrics_folder()))  # type: ignore[no-untyped-call]

    def _drain(self, signals: StopSignals) -> None:
        log.info("stopping", hint="a second time stops at once")
        # New connections are refused instead of waiting for a web that will not come back.
        self._listening.close()
        last_first = sorted(self._children, key=_child_stage, reverse=True)
        for _, stage in groupby(last_first, key=_child_stage):
            if not _end(list(stage), signals):
                return


def _end(children: list[Child], signals: StopSignals) -> bool:
    """End the children of one stage; return False where the operator cannot wait."""
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + max(child.spec.grace_s for child in children)
    while any(child.running() for child in children) and time.monotonic() < deadline:
        if signals.wait(TICK_S) > 1:
            return False
    for child in children:
        if child.running():
            log.error("child did not end in time", child=child.spec.name)
        child.kill()
    return True


def _stage(spec: ChildSpec) -> int:
    return spec.stage


def _child_stage(child: Child) -> int:
    return child.spec.stage


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
