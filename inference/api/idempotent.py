"""`Idempotency-Key` at the doors that generate: claimed before anything is admitted."""

from typing import TYPE_CHECKING, Any

from django.db import Error as DatabaseAway
from django.http.response import HttpResponseBase

from accounts.errors import AuthenticationRefused
from aiplatform.errors import ApiError
from aiplatform.idempotency.attempt import attempt_of
from aiplatform.idempotency.claim import Claim, claim_or_answer
from inference.gateway import errors

if TYPE_CHECKING:
    from inference.api.http_door import HttpDoor


async def claim_for(door: "HttpDoor[Any]") -> HttpResponseBase | None:
    """Give the door the claim of its request's key; return None, or what to answer instead.

    That is the first answer to the key, or a refusal. Neither takes anything from a limit nor
    leaves a row of history: nothing is generated.
    """
    try:
        principal = await door.authenticate()
        found = await claim_or_answer(attempt_of(door.request, principal))
    except (AuthenticationRefused, ApiError, DatabaseAway) as raised:
        return door.refuse(_as_api_error(raised))
    if isinstance(found, Claim):
        door.hold(found)
        return None
    return door.repeat(principal, found)


def _as_api_error(raised: AuthenticationRefused | ApiError | DatabaseAway) -> ApiError:
    if isinstance(raised, AuthenticationRefused):
        return ApiError(401, raised.code, raised.detail)
    # Without the database nobody can say whether the key was used: it is not risked.
    return raised if isinstance(raised, ApiError) else errors.database_unavailable()
