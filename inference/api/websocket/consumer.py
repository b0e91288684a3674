"""`/ws/generate`: one socket, from its opening to its end."""

import asyncio
import time
from typing import Any, Final, assert_never

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseAway

from accounts.errors import AuthenticationRefused
from aiplatform.errors import ApiError, as_api_error
from inference.api.websocket import closing, patrol, protocol
from inference.api.websocket.caller import Caller
from inference.api.websocket.credential import Credential, OfBearer
from inference.api.websocket.generations import DuplicateId, Generations
from inference.api.websocket.line import Line
from inference.api.websocket.opening import opening_of, refuse
from inference.api.websocket.protocol import (
    Authenticate,
    Authenticated,
    BadMessage,
    Cancel,
    FromClient,
    Generate,
    Ping,
    Pong,
    Resume,
    error_message,
)
from inference.gateway import errors

log = structlog.get_logger("aiplatform.websocket")

# The server cuts every connection at the end of the grace; ours are closed before.
_PART_OF_GRACE: Final = 0.8


class GenerateConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    """Reads what the client says. What it is told comes from the generations' own tasks."""

    line: Line
    caller: Caller
    generations: Generations
    active_at: float
    _ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        except OSError:
            pass  # the client went away while it was told something
        finally:
            self._end()

    async def dispatch(self, message: Any) -> None:
        # Not Channels' own, which hops into a thread at every message to look after database
        # connections; none is opened here but by `in_database`.
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        try:
            opening = opening_of(self.scope)
        except ApiError as error:
            await refuse(self.scope, self.base_send, error)
            raise StopConsumer from error
        self.active_at = time.monotonic()
        self.line = Line(self.base_send)
        self.caller = Caller(opening.address, opening.user_agent)
        self.generations = Generations(self.line, self.caller)
        await self.accept(opening.subprotocol)
        patrol.watch(self)
        if opening.credential:
            await self._introduce(opening.credential)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.active_at = time.monotonic()
        if text_data is None:
            await self.line.close(closing.UNSUPPORTED, "Messages are text.")
            return
        try:
            await self._obey(protocol.decode(text_data))
        except BadMessage as bad:
            await self._tell(bad.error, bad.id)

    async def websocket_disconnect(self, message: Any) -> None:
        raise StopConsumer

    async def websocket_shutdown(self, message: Any) -> None:
        """The process ends: finish what is under way, then say that others take new sockets."""
        self._ending = asyncio.create_task(self._finish())

    async def _obey(self, message: FromClient) -> None:
        match message:
            case Ping(nonce=nonce):
                await self.line.say(Pong(nonce))
            case Authenticate(token=token):
                await self._introduce(OfBearer(token))
            case Generate() | Cancel() | Resume():
                if self.caller.principal is None:
                    await self._turn_away(_unknown_caller())
                else:
                    await self._serve(message)
            case _:
                assert_never(message)

    async def _serve(self, message: Generate | Cancel | Resume) -> None:
        try:
            match message:
                case Generate():
                    self.generations.begin(message)
                case Cancel(id=named):
                    await self.generations.cancel(named)
                case Resume():
                    await self.generations.resume(message)
        except DuplicateId:
            # Without the id: it stands for the one under way, which nothing is wrong with.
            detail = "id: It is under way on this socket already. Choose another one."
            await self._tell(ApiError(409, "duplicate_id", detail, param="id"), None)
        except (ApiError, AuthenticationRefused, DatabaseAway) as raised:
            of_it = None if isinstance(message, Cancel) else message.id
            await self._tell(_as_api_error(raised), of_it)

    async def _introduce(self, credential: Credential) -> None:
        """Take the credential, or say why not; without a former one that is the end."""
        try:
            principal = await self.caller.introduce(credential)
            expires_at = await credential.expires_at()
        except AuthenticationRefused as refused:
            await self._turn_away(ApiError(401, refused.code, refused.detail))
        except Exception as raised:
            await self._turn_away(as_api_error(raised) or errors.internal())
            if as_api_error(raised) is None:
                raise
        else:
            await self.line.say(
                Authenticated(
                    user=principal.username,
                    key=principal.key_name or None,
                    expires_at=expires_at,
                    max_generations=settings.WEBSOCKET_MAX_GENERATIONS,
                    max_message_bytes=settings.MAX_BODY_BYTES,
                )
            )

    async def _turn_away(self, error: ApiError) -> None:
        await self._tell(error, None)
        if self.caller.principal is None:
            await self.line.close(closing.NOT_AUTHENTICATED, error.code)

    async def _tell(self, error: ApiError, named: str | None) -> None:
        await self.line.say(error_message(error, named))

    async def _finish(self) -> None:
        await self.generations.finish(settings.SHUTDOWN_GRACE_S * _PART_OF_GRACE)
        await self.line.close(closing.RESTARTING, "This process is being restarted.")

    def _end(self) -> None:
        if not hasattr(self, "line"):
            return  # refused before it was opened
        patrol.forget(self)
        self.generations.drop()
        log.info(
            "websocket",
            path="/ws/generate",
            client=self.caller.address,
            user=self.caller.principal.username if self.caller.principal else "",
            generations=self.generations.begun,
            closed_with=self.line.closed_with,
        )


def _as_api_error(raised: ApiError | AuthenticationRefused | DatabaseAway) -> ApiError:
    if isinstance(raised, AuthenticationRefused):
        return ApiError(401, raised.code, raised.detail)
    return raised if isinstance(raised, ApiError) else errors.database_unavailable()


def _unknown_caller() -> ApiError:
    detail = 'Say who is calling first: {"type": "authenticate", "token": …}.'
    return ApiError(401, "not_authenticated", detail)
