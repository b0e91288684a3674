"""One request that carries an `Idempotency-Key`: whose it is, and which digests stand for it."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Final

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.principal import Principal
from aiplatform.clients import client_address
from aiplatform.errors import ApiError

HEADER: Final = "HTTP_IDEMPOTENCY_KEY"  # as Django's META names it
MAX_LENGTH: Final = 255
_ACCEPTED: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_LENGTH}}}\Z")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the record is found by, what it must agree with, and who would hold it.

    The digests are HMACs under the server's secret: who has the database alone can neither read
    keys and bodies nor try guesses.
    """

    key: str = field(repr=False)  # in memory only: it opens the answer
    key_digest: str  # of the principal and the key
    body_digest: str  # of method, address and body
    holder: uuid.UUID = field(default_factory=uuid.uuid4)


def attempt_of(
    request: HttpRequest, principal: Principal | None, body: bytes | None = None
) -> Attempt:
    """Return the attempt that `request` is. Raises ApiError for a key out of bounds.

    `body` stands for the request's own, where that is large or never twice the same.
    """
    key = request.META[HEADER]
    if not _ACCEPTED.match(key):
        raise _out_of_bounds()
    # An address with and without its slash is one route.
    address = f"{request.method} {request.path.rstrip('/')}?{request.META.get('QUERY_STRING', '')}"
    return Attempt(
        key,
        _digest("key", f"{_owner(request, principal)} {key}".encode()),
        _digest("body", address.encode() + b"\n" + (request.body if body is None else body)),
    )


def _owner(request: HttpRequest, principal: Principal | None) -> str:
    """Return whose key it is: a user's through one API key; of strangers, an address'."""
    if principal is None:
        return f"address {client_address(request)}"
    return f"user {principal.user_id} {principal.key_id or 0}"


def _digest(kind: str, of: bytes) -> str:
    return salted_hmac(f"aiplatform.idempotency.{kind}", of, algorithm="sha256").hexdigest()


def _out_of_bounds() -> ApiError:
    detail = f"Idempotency-Key: has 1 to {MAX_LENGTH} visible ASCII characters and no blank."
    return ApiError(400, "invalid_idempotency_key", detail, param="Idempotency-Key")
