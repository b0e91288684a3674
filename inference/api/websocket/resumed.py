"""A generation that began on another socket, of any process, and goes on on this one."""

import asyncio
from collections.abc import Callable
from typing import Self

import msgspec

from aiplatform.errors import ApiError
from inference.api.resumable.following import BeyondTheEnd, Following, TakenUp, follow, stop
from inference.api.resumable.record import NotResumable
from inference.api.websocket import closing
from inference.api.websocket.caller import Caller
from inference.api.websocket.line import Line
from inference.api.websocket.protocol import Accepted, Resume, error_message, from_kept
from inference.api.websocket.resumable import KIND


class Resumed:
    """Says to one socket what is said of the generation."""

    def __init__(self, asked: Resume, line: Line, caller: Caller, following: Following) -> None:
        self.id = asked.id
        self.request_id = asked.request_id
        self.at_end: Callable[[], object] | None = None
        self._line = line
        self._caller = caller
        self._following = following
        self.task = asyncio.create_task(self._say_all())

    @classmethod
    async def begin(cls, asked: Resume, line: Line, caller: Caller) -> Self:
        """Take the generation up, if it is the caller's own. Raises ApiError."""
        principal = await caller.may_generate()
        try:
            following = await follow(asked.request_id, KIND, principal, asked.seq)
        except BeyondTheEnd as beyond:
            detail = f"seq: {asked.seq} is over {beyond.said}, the last there is."
            raise ApiError(400, "invalid_request", detail, param="seq") from beyond
        except NotResumable as unknown:
            raise NotResumable("request_id") from unknown
        return cls(asked, line, caller, following)

    async def cancel(self) -> None:
        """Stop the generation; its end is said as always. Raises ApiError."""
        await stop(self.request_id, KIND, await self._caller.may_generate())

    def end(self, reason: ApiError) -> None:
        """Say no more, for that reason: the socket is closed, and another one may go on."""
        self.task.cancel()

    def leave(self) -> None:
        """The client is gone, perhaps to come back."""
        self.task.cancel()

    async def _say_all(self) -> None:
        try:
            opening = msgspec.msgpack.decode(self._following.opening, type=Accepted)
            await self._line.say(msgspec.structs.replace(opening, id=self.id))
            async for message in self._following:
                if message.ends:
                    self._free()
                await self._line.say(from_kept(message.text, self.id))
        except TakenUp:
            await self._line.close(closing.RESUMED, "Resumed on another socket.")
        except ApiError as error:
            self._free()
            await self._line.say(error_message(error, self.id, request_id=self.request_id))
        except OSError:
            pass  # the client went away while it was told something
        finally:
            self._following.leave()
            self._free()

    def _free(self) -> None:
        """Its place and its id are free when the client hears of its end."""
        if self.at_end:
            self.at_end()
