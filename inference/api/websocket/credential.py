"""What a socket shows to say who is calling."""

from typing import NamedTuple

from accounts import tokens
from accounts.authentication import authenticate_credential, authenticate_session
from accounts.principal import Principal
from aiplatform.database import in_database


class OfBearer(NamedTuple):
    """An API key or an access token."""

    text: str

    async def principal(self, address: str) -> Principal:
        """Return who is calling from there. Raises AuthenticationRefused or ApiError."""
        return await authenticate_credential(self.text, address)

    async def expires_at(self) -> int | None:
        """Return until when it is good, in Unix seconds; None for a key, whose end may change."""
        if not tokens.is_token_like(self.text):
            return None
        facts = await in_database(tokens.token_facts, self.text)
        return int(facts.expires_at.timestamp())


class OfSession(NamedTuple):
    """The session of a person who signed in on a page."""

    key: str

    async def principal(self, address: str) -> Principal:
        """Return who is signed in. Raises AuthenticationRefused."""
        return await authenticate_session(self.key)

    async def expires_at(self) -> int | None:
        """A session ends when it ends: a page cannot replace it on the socket."""
        return None


Credential = OfBearer | OfSession
