"""Answers connections; hands their requests to the engine's thread and its frames to them."""

import asyncio
import socket
from collections.abc import Hashable

from inference.engine.config import RunnerConfig
from inference.engine.connection import Connection
from inference.engine.inbox import Inbox
from inference.engine.log import Log
from inference.engine.process import resident_bytes
from inference.engine.statistics import Statistics
from inference.engine.wire import (
    Asked,
    Cancel,
    Failed,
    Hello,
    Infer,
    Message,
    Ping,
    Status,
    Submit,
    ToRunner,
)

MAX_CONNECTIONS = 256
LAST_WORDS_SECONDS = 2.0  # for readers to take what is queued when the runner ends
REFUSALS = {
    "loading": "the model is still loading",
    "draining": "the runner is shutting down",
}


class Server:
    """All connections of one runner. Lives on the event loop."""

    def __init__(
        self, config: RunnerConfig, context: int, inbox: Inbox, statistics: Statistics, log: Log
    ) -> None:
        self.state = "loading"
        self._config = config
        self._context = context
        self._inbox = inbox
        self._statistics = statistics
        self._log = log
        self._connections: set[Connection] = set()

    async def start(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_unix_server(self._accept, sock=listener)

    def become_ready(self) -> None:
        if self.state == "loading":
            self.state = "ready"

    def hello(self) -> Hello:
        return Hello(
            model=self._config.model, context_length=self._context, slots=self._config.slots
        )

    def handle(self, connection: Connection, message: ToRunner) -> None:
        """Act on one message; nothing here waits for the engine."""
        match message:
            case Submit() | Infer():
                self._submit(connection, message)
            case Cancel():
                self._inbox.cancel(connection, message.request_id)
            case Ping():
                connection.send(self.status())
            case Hello():
                pass  # a second greeting changes nothing

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._inbox.disconnect(connection)

    def deliver(self, frames: list[tuple[Hashable, list[Message]]]) -> None:
        """Send what the engine made to those who are still there."""
        for connection, messages in frames:
            if connection in self._connections:
                assert isinstance(connection, Connection)
                for message in messages:
                    connection.send(message)

    async def finish(self) -> None:
        """Let every connection take what is queued for it, then close it."""
        closing = [asyncio.create_task(each.finish()) for each in self._connections]
        if closing:
            await asyncio.wait(closing, timeout=LAST_WORDS_SECONDS)

    def status(self) -> Status:
        now = self._statistics
        return Status(
            state=self.state,
            progress=now.progress,
            running=now.running,
            waiting=now.waiting,
            slots=self._config.slots,
            steps=now.steps,
            tokens=now.tokens,
            mean_request_s=now.mean_request_s,
            tier=now.tier,
            device=now.device,
            resident_bytes=resident_bytes(),
            detail=now.detail,
            mean_step_s=now.mean_step_s,
            estimated_wait_s=now.estimated_wait_s,
            prompt_tokens=now.prompt_tokens,
            cached_tokens=now.cached_tokens,
            preempted=now.preempted,
        )

    def _submit(self, connection: Connection, request: Asked) -> None:
        code, detail = self.state, REFUSALS.get(self.state, "")
        if not detail and self._inbox.backlog > self._config.max_waiting + self._config.slots:
            code, detail = "queue_full", "the model's queue is full; try later"
        if detail:
            connection.send(Failed(request.request_id, code, detail))
        else:
            self._inbox.submit(connection, request)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            self._log.event("connection_refused", reason=f"{MAX_CONNECTIONS} are open")
            writer.close()
            return
        connection = Connection(self, reader, writer, self._log)
        self._connections.add(connection)
        await connection.serve()
