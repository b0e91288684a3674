"""Generations that outlive their socket for a while."""

import asyncio
from typing import Final

import msgspec
from django.conf import settings

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.resumable.absent import Absent
from inference.api.resumable.kept import Kept
from inference.api.websocket import closing
from inference.api.websocket.caller import Caller
from inference.api.websocket.door import WebSocketDoor
from inference.api.websocket.line import Line
from inference.api.websocket.protocol import Delta, Generate, Numbered, kept_form
from inference.gateway.answered import Answered

KIND: Final = "websocket"

_hanging_up: Final[set[asyncio.Task[None]]] = set()


class ResumableDoor(WebSocketDoor):
    """Keeps what it says, and goes on without a client until the window has passed."""

    def __init__(self, asked: Generate, line: Line, caller: Caller) -> None:
        super().__init__(asked, line, caller)
        self._kept = Kept(self.request_id, self)
        self._principal: Principal | None = None
        self._absent: Absent | None = None

    async def authenticate(self) -> Principal:
        if self.line is None and self._principal is not None:
            self._absent = self._absent or Absent(self._principal)
            return await self._absent.may_generate()
        self._principal = await super().authenticate()
        return self._principal

    async def open(self, answered: Answered) -> None:
        assert self._principal is not None, "it was authenticated before it was admitted"
        self.resume_s = settings.RESUME_WINDOW_S
        opening = msgspec.msgpack.encode(self.accepted(self.id))
        if not await self._kept.begin(KIND, self._principal, opening):
            self.resume_s = None
        await super().open(answered)

    async def finish(self, error: ApiError | None) -> None:
        await super().finish(error)
        await self._kept.end()

    def leave(self) -> None:
        self.line = None
        self._kept.leave()

    def displaced(self) -> None:
        """Its client came back by another socket: the one it had may hang."""
        line, self.line = self.line, None
        if line:
            task = asyncio.create_task(line.close(closing.RESUMED, "Resumed on another socket."))
            _hanging_up.add(task)  # the loop itself keeps no reference
            task.add_done_callback(_hanging_up.discard)

    async def _pass_on(self, message: Numbered) -> None:
        self._kept.write(kept_form(message), last=not isinstance(message, Delta))
        await self._tell(message)
