"""Who is calling on one socket, from where, and until when."""

from accounts import scopes
from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.websocket.credential import Credential
from inference.gateway import errors


class Caller:
    """The client of a socket. Its credential may be replaced, by another of the same principal."""

    def __init__(self, address: str, user_agent: str) -> None:
        self.address = address
        self.user_agent = user_agent
        self.credential: Credential | None = None
        self.principal: Principal | None = None
        self.shown: tuple[Credential | None, str] = (None, address)  # what it is known by

    async def introduce(self, credential: Credential) -> Principal:
        """Take `credential` from now on. Raises AuthenticationRefused or ApiError."""
        principal = await credential.principal(self.address)
        if self.principal and identity(self.principal) != identity(principal):
            detail = "This socket belongs to another caller. Open one of your own."
            raise ApiError(403, "another_caller", detail)
        self.credential, self.principal = credential, principal
        self.shown = credential, self.address
        return principal

    async def authenticate(self) -> Principal:
        """Return who is calling, if they still may. Raises AuthenticationRefused or ApiError."""
        assert self.credential is not None, "nothing is asked before the socket is introduced"
        return await self.credential.principal(self.address)

    async def may_generate(self) -> Principal:
        """The same for who may ask models. Raises AuthenticationRefused or ApiError."""
        principal = await self.authenticate()
        if scopes.GENERATE not in principal.scopes:
            raise errors.scope_missing(scopes.GENERATE)
        return principal


def identity(principal: Principal) -> tuple[int, int | None]:
    """Return what tells callers apart: the user and the key."""
    return principal.user_id, principal.key_id
