"""The generations of one socket."""

import asyncio
from typing import Final

from django.conf import settings
from structlog.contextvars import bound_contextvars

from aiplatform.errors import ApiError
from inference.api.websocket.caller import Caller
from inference.api.websocket.door import WebSocketDoor
from inference.api.websocket.line import Line
from inference.api.websocket.protocol import Generate, Resume
from inference.api.websocket.resumable import ResumableDoor, kept_for
from inference.gateway.generation import generate, start

RESTARTING: Final = ApiError(
    503, "restarting", "This process is being restarted. Connect again.", retry_after=1
)


class Generations:
    """Begins, stops and finds them by the ids that the client gave."""

    def __init__(self, line: Line, caller: Caller) -> None:
        self._line = line
        self._caller = caller
        self._under_way: dict[str, WebSocketDoor] = {}
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

    def cancel(self, named: str) -> None:
        """Stop one; its end is said as always. Raises ApiError."""
        if named not in self._under_way:
            raise ApiError(404, "unknown_id", "id: Nothing under way has this id.", param="id")
        self._under_way[named].stop()

    async def resume(self, asked: Resume) -> None:
        """Go on with one that began on another socket. Raises ApiError."""
        self._make_room(asked.id)
        door = kept_for(asked.request_id, self._caller)
        if door in self._under_way.values():
            raise DuplicateId
        await door.resume(asked, self._line, self._caller)
        if door.task and not door.is_over:
            self._add(door, door.task)

    def drop(self) -> None:
        """The client is gone: end what cannot be resumed."""
        for door in list(self._under_way.values()):
            if isinstance(door, ResumableDoor):
                door.detach(self._line)
            else:
                door.stop()

    async def finish(self, seconds: float) -> None:
        """Take no more, and end those that are not finished after `seconds`."""
        self._no_more = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for door in list(self._under_way.values()):
            door.stop(RESTARTING)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _make_room(self, named: str) -> None:
        if self._no_more:
            raise RESTARTING
        if named in self._under_way:
            raise DuplicateId
        if len(self._under_way) >= settings.WEBSOCKET_MAX_GENERATIONS:
            detail = f"{len(self._under_way)} generations are under way on this socket, the most."
            raise ApiError(429, "too_many_generations", detail)

    def _add(self, door: WebSocketDoor, task: "asyncio.Task[None]") -> None:
        named = door.id
        self._under_way[named] = door
        # Its place and its id are free when the client hears of its end.
        door.at_end = lambda: self._under_way.pop(named, None)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class DuplicateId(Exception):
    """What is meant is under way on this socket already, and goes on."""
