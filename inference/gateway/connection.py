"""One connection to one runner, shared by every request of this process that runs there."""

import asyncio
import contextlib
from typing import Final

import structlog

from inference.engine import wire
from inference.gateway.run import ReplicaLost, Run

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 2.0
_SCHEME: Final = "unix:"


class Connection:
    """Sends a runner what to do and hands its answers to the runs they belong to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.runs: dict[str, Run] = {}
        self.closed = False
        self._receiving = asyncio.get_running_loop().create_task(self._receive())

    @classmethod
    async def open(cls, address: str) -> "Connection":
        """Connect and agree on the version. Raises ReplicaLost."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(address.removeprefix(_SCHEME))
                try:
                    await _greet(reader, writer)
                except BaseException:
                    writer.close()
                    raise
        except (OSError, TimeoutError, EOFError, wire.WireError) as error:
            raise ReplicaLost(f"no connection to {address}: {type(error).__name__}") from error
        return cls(reader, writer)

    def submit(self, run: Run, submit: wire.Asked) -> None:
        """Start `submit` on the runner; its answers go to `run`. Raises ReplicaLost."""
        if self.closed:
            raise ReplicaLost("the connection is closed")
        self.runs[submit.request_id] = run
        self._writer.write(wire.encode(submit))

    def cancel(self, request_id: str) -> None:
        """Ask the runner to stop; its Finished says what was made."""
        if not self.closed and request_id in self.runs:
            self._writer.write(wire.encode(wire.Cancel(request_id)))

    def close(self) -> None:
        """Close the connection; the runner cancels what still runs on it."""
        self.closed = True
        self._writer.close()
        self._receiving.cancel()

    async def _receive(self) -> None:
        try:
            while True:
                self._deliver(await wire.read_reply(self._reader))
        except (OSError, EOFError):
            pass  # the runner is gone, which every run is told below
        except wire.WireError as error:
            log.error("wire_broken", reason=str(error))
        finally:
            self._lose_all()

    def _deliver(self, message: wire.FromRunner) -> None:
        match message:
            case wire.Deltas(items=items):
                for delta in items:
                    if run := self.runs.get(delta.request_id):
                        run.push(delta)
            case wire.Outputs() | wire.Accepted():
                self._pass_on(message)
            case wire.Finished(request_id=request_id) | wire.Failed(request_id=request_id):
                if run := self.runs.pop(request_id, None):
                    run.end(message)

    def _pass_on(self, message: wire.Outputs | wire.Accepted) -> None:
        run = self.runs.get(message.request_id)
        if run and isinstance(message, wire.Outputs):
            run.push_outputs(message)
        elif run and isinstance(message, wire.Accepted):
            run.accept(message)

    def _lose_all(self) -> None:
        self.closed = True
        with contextlib.suppress(RuntimeError):  # the loop may be closing with us
            self._writer.close()
        lost, self.runs = self.runs, {}
        for run in lost.values():
            run.end(ReplicaLost("the runner closed the connection"))


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(wire.encode(wire.Hello()))
    hello = await wire.read_reply(reader)
    if not isinstance(hello, wire.Hello) or hello.version != wire.VERSION:
        raise wire.WireError("the runner speaks another version of the wire")


_open: Final[dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[Connection]]] = {}


async def connection_to(address: str) -> Connection:
    """Return this event loop's connection to the runner at `address`. Raises ReplicaLost."""
    loop = asyncio.get_running_loop()
    task = _open.get((loop, address))
    if task is None or _is_spent(task):
        _drop_spent()
        # A task, so that many requests at once share one attempt and none can cancel it.
        task = _open[loop, address] = loop.create_task(Connection.open(address))
    return await asyncio.shield(task)


def close_connections() -> None:
    """Close every connection of this event loop."""
    loop = asyncio.get_running_loop()
    for key, task in list(_open.items()):
        if key[0] is loop:
            del _open[key]
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()


def _is_spent(task: asyncio.Task[Connection]) -> bool:
    if not task.done():
        return False
    return task.cancelled() or task.exception() is not None or task.result().closed


def _drop_spent() -> None:
    for key, task in list(_open.items()):
        if _is_spent(task):
            del _open[key]
