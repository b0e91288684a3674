"""The generations of one socket."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from django.conf import settings
from structlog.contextvars import bound_contextvars

from aiplatform.errors import ApiError
from inference.api.websocket.caller import Caller
from inference.api.websocket.door import WebSocketDoor
from inference.api.websocket.line import Line
from inference.api.websocket.protocol import Generate, Resume
from inference.api.websocket.resumable import ResumableDoor
from inference.api.websocket.resumed import Resumed
from inference.gateway import errors
from inference.gateway.generation import generate, start


class UnderWay(Protocol):
    """A generation that this socket hears of."""

    id: str
    at_end: Callable[[], object] | None  # called before its end is said

    @property
    def request_id(self) -> str:
        """The id that every process knows it by."""

    async def cancel(self) -> None:
        """Stop it, as the client asks. Raises ApiError."""

    def end(self, reason: ApiError) -> None:
        """The socket says no more, for that reason."""

    def leave(self) -> None:
        """The client is gone."""


class Generations:
    """Begins, stops and finds them by the ids that the client gave."""

    def __init__(self, line: Line, caller: Caller) -> None:
        self._line = line
        self._caller = caller
        self._under_way: dict[str, UnderWay] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # until their last word is said
        self._no_more = False
        self.begun = 0

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, asked: Generate) -> None:
        """Start one. Raises ApiError."""
        self._make_room(asked.id)
        kind = ResumableDoor if asked.resumable else WebSocketDoor
        door = kind(asked, self._line, self._caller)
        with bound_contextvars(request_id=str(door.entry.id)):
            task = start(generate(door))
        door.attach(task)
        self._add(door, task)
        self.begun += 1

    async def cancel(self, named: str) -> None:
        """Stop one; its end is said as always. Raises ApiError."""
        if named not in self._under_way:
            raise ApiError(404, "unknown_id", "id: Nothing under way has this id.", param="id")
        await self._under_way[named].cancel()

    async def resume(self, asked: Resume) -> None:
        """Go on with one that began on another socket. Raises ApiError."""
        self._make_room(asked.id)
        if any(one.request_id == asked.request_id for one in self._under_way.values()):
            raise DuplicateId
        resumed = await Resumed.begin(asked, self._line, self._caller)
        self._add(resumed, resumed.task)

    def drop(self) -> None:
        """The client is gone: end what cannot be resumed."""
        for one in list(self._under_way.values()):
            one.leave()

    async def finish(self, seconds: float) -> None:
        """Take no more, and end those that are not finished after `seconds`."""
        self._no_more = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for one in list(self._under_way.values()):
            one.end(errors.restarting())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _make_room(self, named: str) -> None:
        if self._no_more:
            raise errors.restarting()
        if named in self._under_way:
            raise DuplicateId
        if len(self._under_way) >= settings.WEBSOCKET_MAX_GENERATIONS:
            detail = f"{len(self._under_way)} generations are under way on this socket, the most."
            raise ApiError(429, "too_many_generations", detail)

    def _add(self, one: UnderWay, task: "asyncio.Task[None]") -> None:
        named = one.id
        self._under_way[named] = one
        # Its place and its id are free when the client hears of its end.
        one.at_end = lambda: self._under_way.pop(named, None)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class DuplicateId(Exception):
    """What is meant is under way on this socket already, and goes on."""
