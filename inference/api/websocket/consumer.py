"""`/ws/generate`: several generations on one socket."""

from collections.abc import Sized
from typing import Any, Final, assert_never

from django.conf import settings
from django.db import Error as DatabaseAway

from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.websocket import protocol
from inference.api.websocket.credential import OfBearer
from inference.api.websocket.generations import DuplicateId, Generations
from inference.api.websocket.protocol import (
    Authenticate,
    Authenticated,
    Cancel,
    Generate,
    Ping,
    Pong,
    Resume,
)
from inference.api.websocket.socket import Socket, unknown_caller
from inference.gateway import errors

# The server cuts every connection at the end of the grace; ours are closed before.
_PART_OF_GRACE: Final = 0.8


class GenerateConsumer(Socket):
    """Reads what the client says. What it is told comes from the generations' own tasks."""

    generations: Generations

    def opened(self) -> None:
        self.generations = Generations(self.line, self.caller)

    @property
    def under_way(self) -> Sized:
        return self.generations

    async def obey(self, text: str) -> None:
        match message := protocol.decode(text):
            case Ping(nonce=nonce):
                await self.line.say(Pong(nonce))
            case Authenticate(token=token):
                await self.introduce(OfBearer(token))
            case Generate() | Cancel() | Resume():
                if self.place is None:
                    await self.turn_away(unknown_caller())
                else:
                    await self._serve(message)
            case _:
                assert_never(message)

    async def greet(self, principal: Principal, expires_at: int | None) -> None:
        await self.line.say(
            Authenticated(
                user=principal.username,
                key=principal.key_name or None,
                expires_at=expires_at,
                max_generations=settings.WEBSOCKET_MAX_GENERATIONS,
                max_message_bytes=settings.MAX_BODY_BYTES,
            )
        )

    async def finish(self) -> None:
        await self.generations.finish(settings.SHUTDOWN_GRACE_S * _PART_OF_GRACE)

    def closed(self) -> dict[str, Any]:
        self.generations.drop()
        return {"generations": self.generations.begun}

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
            await self.tell(ApiError(409, "duplicate_id", detail, param="id"), None)
        except (ApiError, AuthenticationRefused, DatabaseAway) as raised:
            of_it = None if isinstance(message, Cancel) else message.id
            await self.tell(_as_api_error(raised), of_it)


def _as_api_error(raised: ApiError | AuthenticationRefused | DatabaseAway) -> ApiError:
    if isinstance(raised, AuthenticationRefused):
        return ApiError(401, raised.code, raised.detail)
    return raised if isinstance(raised, ApiError) else errors.database_unavailable()
