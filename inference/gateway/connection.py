"""One connection to one runner, shared by every request of this process that runs there."""

import asyncio
from typing import Final, cast

import structlog

from inference.engine import wire
from inference.gateway.run import ReplicaLost, Run

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 2.0
_SCHEME: Final = "unix:"


class Connection(asyncio.Protocol):
    """Sends a runner what to do and hands its answers to the runs they belong to.

    A protocol and not a reader in a task of its own: for each token that task would be woken and
    would await twice, which cost a sixth of what a token costs.
    """

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._replies = wire.Replies()
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.runs: dict[str, Run] = {}
        self.closed = False

    @classmethod
    async def open(cls, address: str) -> "Connection":
        """Connect and agree on the version. Raises ReplicaLost."""
        path = address.removeprefix(_SCHEME)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_unix_connection(cls, path)
                await connection._greet()
        except (OSError, TimeoutError, wire.WireError) as error:
            raise ReplicaLost(f"no connection to {address}: {type(error).__name__}") from error
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # not one by class in uvloop

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._replies.feed(data):
                self._deliver(message)
        except wire.WireError as error:
            log.error("wire_broken", reason=str(error))
            self._fail(error)

    def connection_lost(self, reason: Exception | None) -> None:
        """The runner is gone, or this was closed: every run is told."""
        self._fail(ConnectionResetError("the runner closed the connection"))

    def submit(self, run: Run, submit: wire.Asked) -> None:
        """Start `submit` on the runner; its answers go to `run`. Raises ReplicaLost."""
        if self.closed:
            raise ReplicaLost("the connection is closed")
        self.runs[submit.request_id] = run
        self._transport.write(wire.encode(submit))

    def cancel(self, request_id: str) -> None:
        """Ask the runner to stop; its Finished says what was made."""
        if not self.closed and request_id in self.runs:
            self._transport.write(wire.encode(wire.Cancel(request_id)))

    def close(self) -> None:
        """Close the connection; the runner cancels what still runs on it."""
        self.closed = True
        self._transport.close()

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
            case wire.Hello(version=version):
                self._agree(version)

    def _pass_on(self, message: wire.Outputs | wire.Accepted) -> None:
        run = self.runs.get(message.request_id)
        if run and isinstance(message, wire.Outputs):
            run.push_outputs(message)
        elif run and isinstance(message, wire.Accepted):
            run.accept(message)

    async def _greet(self) -> None:
        self._transport.write(wire.encode(wire.Hello()))
        try:
            await self._greeted
        except BaseException:
            self.close()
            raise

    def _agree(self, version: int) -> None:
        if version != wire.VERSION:
            raise wire.WireError("the runner speaks another version of the wire")
        if not self._greeted.done():
            self._greeted.set_result(None)

    def _fail(self, reason: OSError | wire.WireError) -> None:
        self.close()
        if not self._greeted.done():
            self._greeted.set_exception(reason)
        lost, self.runs = self.runs, {}
        for run in lost.values():
            run.end(ReplicaLost(str(reason)))


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
