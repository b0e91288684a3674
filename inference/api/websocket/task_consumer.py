"""`/ws/tasks/{id}`: a job's states and tokens on a socket of its own, to its owner."""

import asyncio
from collections.abc import Sized
from typing import Annotated, Any, Final

import msgspec
from django.db import Error as DatabaseAway

from accounts import scopes
from accounts.principal import Principal
from aiplatform.database import in_database
from aiplatform.errors import ApiError
from aiplatform.store import Unavailable
from inference.api.native.tasks.lookup import job_of
from inference.api.native.tasks.telling import check_event_id, event_of
from inference.api.websocket import closing
from inference.api.websocket.credential import OfBearer
from inference.api.websocket.protocol import (
    BadMessage,
    ClientMessage,
    ServerMessage,
    decode_as,
)
from inference.api.websocket.socket import Socket, unknown_caller
from inference.gateway import errors
from inference.jobs.models import Job
from inference.jobs.progress import BEGINNING
from inference.jobs.watching import END, watched

_MAX_EVENT_ID: Final = 64
_EventId = Annotated[str, msgspec.Meta(max_length=_MAX_EVENT_ID)]


class Authenticate(ClientMessage, frozen=True):
    """Who is calling; what is told begins after `last_event_id`, or at the beginning."""

    token: str  # an API key or an access token
    last_event_id: _EventId = BEGINNING


class Watch(ClientMessage, frozen=True):
    """The same from who has shown a credential when the socket was opened."""

    last_event_id: _EventId = BEGINNING


class Event(ServerMessage, frozen=True):
    """What `GET /api/v1/tasks/{id}/events` sends as one event."""

    id: str
    event: str
    data: dict[str, Any]


FromClient = Authenticate | Watch
_decoder: Final[msgspec.json.Decoder[FromClient]] = msgspec.json.Decoder(FromClient)
_TYPES: Final = ["authenticate", "watch"]


class TaskConsumer(Socket):
    """Watches one job from the first message on, and hangs up when it has told how it ended."""

    _watching: asyncio.Task[None] | None = None
    _after = BEGINNING

    async def obey(self, text: str) -> None:
        message = decode_as(_decoder, _TYPES, text)
        try:
            check_event_id(message.last_event_id, "last_event_id")
        except ApiError as error:
            raise BadMessage(error, None) from error
        self._after = message.last_event_id
        if isinstance(message, Authenticate):
            await self.introduce(OfBearer(message.token))
        elif self.place is None:
            await self.turn_away(unknown_caller())
            return
        if self._watching is None and self.place and self.caller.principal:
            self._watching = asyncio.create_task(self._watch(self.caller.principal))

    async def greet(self, principal: Principal, expires_at: int | None) -> None:
        """Say nothing: the first event says it."""

    @property
    def under_way(self) -> Sized:
        return [] if self._watching is None or self._watching.done() else [self._watching]

    def closed(self) -> dict[str, Any]:
        if self._watching is not None:
            self._watching.cancel()
        return {}

    async def _watch(self, principal: Principal) -> None:
        try:
            await self._tell_all(await self._job(principal))
        except ApiError as error:
            await self._give_up(error)
        except Unavailable:
            await self._give_up(errors.limits_unavailable())
        except DatabaseAway:
            await self._give_up(errors.database_unavailable())
        except OSError:
            pass  # the client went away while it was told something

    async def _job(self, principal: Principal) -> Job:
        if scopes.JOBS not in principal.scopes:
            raise errors.scope_missing(scopes.JOBS)
        return await in_database(job_of, principal, self.scope["url_route"]["kwargs"]["task_id"])

    async def _tell_all(self, job: Job) -> None:
        if self._after != END:
            async for seen in watched(job, self._after):
                if seen.told is not None:
                    event = await event_of(seen, seen.told)
                    await self.line.say(Event(event.id, event.name, event.data))
        await self.line.close(closing.NORMAL, "The task has ended.")

    async def _give_up(self, error: ApiError) -> None:
        await self.tell(error, None)
        await self.line.close(closing.NORMAL, error.code)
