"""A caller who is not connected now: the database says whether they still may, not they."""

from functools import partial

from accounts import scopes
from accounts.authentication import CACHE_SECONDS
from accounts.principal import Principal
from accounts.selectors import principal_again
from aiplatform.database import in_database
from aiplatform.snapshot import Snapshot
from inference.gateway import errors


class Absent:
    """Who asked for a generation that goes on without its connection.

    Their credential may expire meanwhile: whoever takes the generation up shows one that is good.
    """

    def __init__(self, principal: Principal) -> None:
        user_id, key_id = principal.user_id, principal.key_id
        read = partial(in_database, principal_again, user_id=user_id, key_id=key_id)
        self._now: Snapshot[Principal] = Snapshot(read, CACHE_SECONDS)

    async def may_generate(self) -> Principal:
        """Return who it is by now. Raises AuthenticationRefused or ApiError."""
        principal = await self._now.get()
        if scopes.GENERATE not in principal.scopes:
            raise errors.scope_missing(scopes.GENERATE)
        return principal
