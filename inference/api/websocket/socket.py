"""What every websocket shares: its opening, who is calling on it, and its end."""

import asyncio
import time
from collections.abc import Sized
from typing import Any, Final

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from aiplatform.errors import ApiError, as_api_error
from inference.api.websocket import closing, patrol
from inference.api.websocket.caller import Caller
from inference.api.websocket.credential import Credential
from inference.api.websocket.line import Line
from inference.api.websocket.opening import opening_of, refuse
from inference.api.websocket.places import Place
from inference.api.websocket.protocol import BadMessage, error_message
from inference.gateway import errors

log = structlog.get_logger("aiplatform.websocket")

_TOO_MANY: Final = 429


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    """One socket, from its opening to its end. Subclasses say what is spoken on it."""

    line: Line
    caller: Caller
    active_at: float
    place: Place | None = None  # once it is known whose this is
    _ending: asyncio.Task[None] | None = None

    def opened(self) -> None:
        """Make what the socket needs, once line and caller are there."""

    async def obey(self, text: str) -> None:
        """Do what a message says. Raises BadMessage."""
        raise NotImplementedError

    async def greet(self, principal: Principal, expires_at: int | None) -> None:
        """Say that the socket may be used, and until when."""
        raise NotImplementedError

    async def finish(self) -> None:
        """The process ends: finish what is under way."""

    def closed(self) -> dict[str, Any]:
        """End what is under way; return what the log says besides."""
        return {}

    @property
    def under_way(self) -> Sized:
        """What the client waits for."""
        return ()

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
        self.opened()
        await self.accept(opening.subprotocol)
        patrol.watch(self)
        if opening.credential:
            await self.introduce(opening.credential)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.active_at = time.monotonic()
        if text_data is None:
            await self.line.close(closing.UNSUPPORTED, "Messages are text.")
            return
        try:
            await self.obey(text_data)
        except BadMessage as bad:
            await self.tell(bad.error, bad.id)

    async def websocket_disconnect(self, message: Any) -> None:
        raise StopConsumer

    async def websocket_shutdown(self, message: Any) -> None:
        """The process ends: finish what is under way, then say that others take new sockets."""
        self._ending = asyncio.create_task(self._finish())

    async def introduce(self, credential: Credential) -> None:
        """Take the credential, or say why not; without a former one that is the end."""
        try:
            principal = await self.caller.introduce(credential)
            if self.place is None:
                place = Place(principal.user_id)
                await place.take()
                self.place = place
            expires_at = await credential.expires_at()
        except AuthenticationRefused as refused:
            await self.turn_away(ApiError(401, refused.code, refused.detail))
        except Exception as raised:
            await self.turn_away(as_api_error(raised) or errors.internal())
            if as_api_error(raised) is None:
                raise
        else:
            await self.greet(principal, expires_at)

    async def turn_away(self, error: ApiError) -> None:
        """Say why not; who has not said who they are is hung up on."""
        await self.tell(error, None)
        if self.place is None:
            too_many = error.status == _TOO_MANY
            code = closing.TOO_MANY if too_many else closing.NOT_AUTHENTICATED
            await self.line.close(code, error.code)

    async def tell(self, error: ApiError, named: str | None) -> None:
        """Say what went wrong."""
        await self.line.say(error_message(error, named))

    async def _finish(self) -> None:
        await self.finish()
        await self.line.close(closing.RESTARTING, "This process is being restarted.")

    def _end(self) -> None:
        if not hasattr(self, "line"):
            return  # refused before it was opened
        patrol.forget(self)
        if self.place:
            self.place.give_up()
        further = self.closed()
        log.info(
            "websocket",
            path=self.scope["path"],
            client=self.caller.address,
            user=self.caller.principal.username if self.caller.principal else "",
            closed_with=self.line.closed_with,
            **further,
        )


def unknown_caller() -> ApiError:
    """Nobody has said who is calling."""
    detail = 'Say who is calling first: {"type": "authenticate", "token": …}.'
    return ApiError(401, "not_authenticated", detail)
