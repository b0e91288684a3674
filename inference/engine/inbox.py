"""Commands on their way from the socket's thread to the engine's."""

import queue
import time
from collections.abc import Callable, Hashable
from typing import Protocol

from inference.engine.wire import Asked

DRAIN_SECONDS = 10.0


class Obedient(Protocol):
    """What commands act on: the engine, named here so that this file needs no torch."""

    def submit(self, connection: Hashable, request: Asked) -> None: ...

    def cancel(self, connection: Hashable, request_id: str) -> None: ...

    def disconnect(self, connection: Hashable) -> None: ...

    def refuse_waiting(self) -> None: ...


Command = Callable[[Obedient], None]


class Inbox:
    """Filled by any thread, emptied by the engine's between its steps."""

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._deadline: float | None = None  # when draining must be over; None: not draining

    @property
    def backlog(self) -> int:
        """Commands that the engine has not seen yet."""
        return self._commands.qsize()

    @property
    def draining(self) -> bool:
        return self._deadline is not None

    @property
    def overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def submit(self, connection: Hashable, request: Asked) -> None:
        self._commands.put(lambda engine: engine.submit(connection, request))

    def cancel(self, connection: Hashable, request_id: str) -> None:
        self._commands.put(lambda engine: engine.cancel(connection, request_id))

    def disconnect(self, connection: Hashable) -> None:
        self._commands.put(lambda engine: engine.disconnect(connection))

    def drain(self) -> None:
        """Have the engine finish what runs within DRAIN_SECONDS and fail what waits."""
        self._deadline = time.monotonic() + DRAIN_SECONDS
        self._commands.put(lambda engine: engine.refuse_waiting())

    def obey(self, engine: Obedient, *, wait: bool) -> None:
        """Carry out every command there is; with `wait`, wait for the first."""
        if wait:
            self._commands.get()(engine)
        while not self._commands.empty():
            self._commands.get()(engine)
