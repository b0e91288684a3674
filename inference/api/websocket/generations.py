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
        self._under_way: dict[str, tuple[WebSocketDoor, asyncio.Task[None]]] = {}
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
        self._under_way[named][0].stop()

    async def resume(self, asked: Resume) -> None:
        """Go on with one that began on another socket. Raises ApiError."""
        self._make_room(asked.id)
        door = kept_for(asked.request_id, self._caller)
        await door.resume(asked, self._line, self._caller)
        if door.task and not door.task.done():
            self._add(door, door.task)

    def drop(self) -> None:
        """The client is gone: end what cannot be resumed."""
        for door, _ in list(self._under_way.values()):
            if isinstance(door, ResumableDoor):
                door.detach(self._line)
            elif door.line is self._line:
                door.stop()

    async def finish(self, seconds: float) -> None:
        """Take no more, and end those that are not finished after `seconds`."""
        self._no_more = True
        if not self._under_way:
            return
        await asyncio.wait([task for _, task in self._under_way.values()], timeout=seconds)
        late = list(self._under_way.values())
        for door, _ in late:
            door.stop(RESTARTING)
        if late:
            await asyncio.wait([task for _, task in late], timeout=seconds)

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
        self._under_way[named] = door, task

        def forget(_: object) -> None:
            if self._under_way.get(named, (None,))[0] is door:
                del self._under_way[named]

        task.add_done_callback(forget)


class DuplicateId(Exception):
    """The id stands for a generation that is under way, which goes on."""
