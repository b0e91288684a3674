"""Generations that outlive their socket for a while, and whoever comes back for one."""

import asyncio
from typing import Final

import msgspec
from django.conf import settings

from aiplatform.errors import ApiError
from inference.api.websocket import closing
from inference.api.websocket.caller import Caller, identity
from inference.api.websocket.door import Numbered, WebSocketDoor
from inference.api.websocket.line import Line
from inference.api.websocket.protocol import Delta, Generate, Resume

_kept: Final[dict[str, "ResumableDoor"]] = {}


class ResumableDoor(WebSocketDoor):
    """Keeps what it says, and goes on without a client until the window has passed."""

    def __init__(self, asked: Generate, line: Line, caller: Caller) -> None:
        super().__init__(asked, line, caller)
        self.resume_s = settings.RESUME_WINDOW_S
        self._said: list[Numbered] = []  # the one with `seq` n at n - 1
        self._next = 0
        self._pumped: Line | None = None  # that a task is sending to
        self._pump_of_resume: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        _kept[str(self.entry.id)] = self

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be said that is not kept already."""
        return bool(self._said) and not isinstance(self._said[-1], Delta)

    def detach(self, line: Line) -> None:
        """The client on `line` is gone, perhaps to come back."""
        if self.line is line:
            self.line = None
            self._expire_later()

    async def resume(self, asked: Resume, line: Line, caller: Caller) -> None:
        """Say what came after `asked.seq`, and then what comes, to `line`. Raises ApiError."""
        if asked.seq > len(self._said):
            detail = f"seq: {asked.seq} is over {len(self._said)}, the last there is."
            raise ApiError(400, "invalid_request", detail, param="seq")
        await line.say(self.accepted(asked.id))
        former, self.line, self.caller = self.line, line, caller
        self.id, self._next = asked.id, asked.seq
        if self._expiry:
            self._expiry.cancel()
        if self.is_over:
            self._expire_later()
        # Not waited for: the socket has other messages to read meanwhile.
        self._pump_of_resume = asyncio.create_task(self._pump())
        if former and former is not line:
            await former.close(closing.RESUMED, "Resumed on another socket.")

    async def finish(self, error: ApiError | None) -> None:
        await super().finish(error)
        if self.line:
            self._expire_later()

    async def _pass_on(self, message: Numbered) -> None:
        self._said.append(message)
        await self._pump()

    async def _pump(self) -> None:
        """Send what is kept and not sent, unless another task does that already."""
        line = self.line
        if line is None or self._pumped is line:
            return
        self._pumped = line
        try:
            while self.line is line and self._next < len(self._said):
                message = self._said[self._next]
                self._next += 1
                await line.say(msgspec.structs.replace(message, id=self.id))
        except OSError:
            self.detach(line)
        finally:
            if self._pumped is line:
                self._pumped = None

    def _expire_later(self) -> None:
        if self._expiry:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(settings.RESUME_WINDOW_S, self._expire)

    def _expire(self) -> None:
        _kept.pop(str(self.entry.id), None)
        if not self.is_over:
            self.stop()


def kept_for(request_id: str, caller: Caller) -> ResumableDoor:
    """Return the generation, if it is kept and the caller's own. Raises ApiError."""
    door = _kept.get(request_id)
    if door is None or not _is_owner(door, caller):
        detail = "request_id: There is nothing to resume; it is over, too old or not yours."
        raise ApiError(404, "not_resumable", detail, param="request_id")
    return door


def _is_owner(door: ResumableDoor, caller: Caller) -> bool:
    began, asks = door.caller.principal, caller.principal
    return began is not None and asks is not None and identity(began) == identity(asks)
