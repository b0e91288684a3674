"""The runner process: `python -m inference.engine.runner '<RunnerConfig as JSON>'`."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from inference.engine.config import MAX_CONTEXT, MAX_SLOTS, RunnerConfig, device_fault
from inference.engine.inbox import Inbox
from inference.engine.listener import ListenError, listen
from inference.engine.log import Log
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.process import core_count, die_with_parent, go_behind_chat
from inference.engine.server import Server
from inference.engine.statistics import Statistics
from inference.engine.task import CHAT
from inference.engine.wire import Message

if TYPE_CHECKING:
    from inference.engine.loop import Engine

LOAD_FAILED = 2  # exit status: trying again with the same configuration changes nothing
CRASHED = 1


class Runner:
    """One model, its engine's thread and its socket, from start to drained."""

    def __init__(self, config: RunnerConfig, log: Log) -> None:
        """Raise LoadError where the configuration or the model directory is unusable."""
        check(config)
        self._config = config
        self._log = log
        self._directory = ModelDirectory(Path(config.directory), config.task)
        self._statistics = Statistics()
        self._inbox = Inbox()
        self._context = self._directory.context_length(config.context_length)
        self._server = Server(config, self._context, self._inbox, self._statistics, log)

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then drain. Return the exit status."""
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        listening = await self._server.start(listen(Path(self._config.socket)))
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._drain)
        self._log.event("listening", context_length=self._context, slots=self._config.slots)
        # A daemon: loading cannot be interrupted and must not keep the process from ending.
        threading.Thread(target=self._run_engine, name="engine", daemon=True).start()
        status = await self._ended
        listening.close()
        os.unlink(self._config.socket)
        await self._server.finish()
        return status

    def _drain(self) -> None:
        loading = self._server.state == "loading"
        self._server.state = "draining"
        self._log.event("draining", running=self._statistics.running)
        if loading:  # nothing runs yet
            self._end(0)
        else:
            self._inbox.drain()

    def _run_engine(self) -> None:
        """Be the engine's thread."""
        status = CRASHED
        try:
            # Importing torch and transformers takes seconds; the socket answers meanwhile.
            from inference.engine.loop import run_engine

            threads = self._config.threads or core_count()
            status = run_engine(self._load, self._inbox, threads=threads, log=self._log)
        except LoadError as error:
            self._log.event("load_failed", detail=str(error))
            status = LOAD_FAILED
        finally:
            self._loop.call_soon_threadsafe(self._end, status)

    def _load(self) -> "Engine":
        from inference.engine.kinds.catalog import load_engine

        engine = load_engine(
            self._config,
            self._directory,
            statistics=self._statistics,
            log=self._log,
            deliver=self._deliver,
        )
        # What was read stays for good: the collector need not walk through it again.
        gc.collect()
        gc.freeze()
        self._loop.call_soon_threadsafe(self._server.become_ready)
        return engine

    def _deliver(self, frames: list[tuple[Hashable, list[Message]]]) -> None:
        self._loop.call_soon_threadsafe(self._server.deliver, frames)

    def _end(self, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result(status)


def check(config: RunnerConfig) -> None:
    """Raise LoadError, naming the field and its bound, for a configuration that cannot work."""
    cores = core_count()
    bounds = (
        ("context_length", config.context_length, 1, MAX_CONTEXT),
        ("slots", config.slots, 1, MAX_SLOTS),
        ("kept_slots", config.kept_slots, 0, MAX_SLOTS),
        ("threads", config.threads, 0, cores),
        ("prefill_budget", config.prefill_budget, 0, MAX_CONTEXT),
        ("max_waiting", config.max_waiting, 1, 1_000_000),
    )
    for name, value, least, most in bounds:
        if not least <= value <= most:
            raise LoadError(f"{name} is {value}; it must be {least} to {most} on this machine")
    if config.dtype == "int8" and config.task != CHAT:
        raise LoadError(f"dtype int8 is for the task {CHAT}, not for {config.task}")
    fault = device_fault(config.device, task=config.task, dtype=config.dtype)
    if fault:
        raise LoadError(f"device is {config.device}: {fault}")


def main(arguments: list[str]) -> int:
    """Run a runner. Exit status 2: it cannot work like this, and the log's last line says why."""
    die_with_parent()
    # Nothing in a runner has business on a network.
    os.environ["HF_HUB_OFFLINE"] = "1"
    # Must be set before torch loads OpenMP. Its threads spin long at every barrier by default;
    # where web and worker share the cores, that keeps out the very thread they wait for. Not
    # spinning at all made a step of 32 rows half as long again; this is some tens of microseconds.
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    log = Log("")
    try:
        (argument,) = arguments
        config = msgspec.json.decode(argument, type=RunnerConfig)
        log = Log(config.model)
        if config.task != CHAT:
            go_behind_chat()
        return asyncio.run(Runner(config, log).run())
    except ValueError as error:
        log.event("load_failed", detail=f"one argument is needed, a RunnerConfig as JSON: {error}")
    except (LoadError, ListenError) as error:
        log.event("load_failed", detail=str(error))
    return LOAD_FAILED


if __name__ == "__main__":
    exit_status = main(sys.argv[1:])
    sys.stderr.flush()
    # Not sys.exit: the engine's thread may be inside torch, which does not end in an orderly way.
    os._exit(exit_status)
