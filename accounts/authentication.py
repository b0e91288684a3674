"""The authenticator of every door: an API key as a bearer token or in `X-API-Key`."""

import hashlib
import time
from typing import Final

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import key_format
from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from accounts.selectors import principal_of_key
from aiplatform.database import in_database

# A revoked key works no longer than this anywhere: no message has to arrive for it to stop.
CACHE_SECONDS: Final = 0.5
CACHE_SIZE: Final = 10_000

_cache: dict[bytes, tuple[float, Principal]] = {}


async def authenticate(request: HttpRequest) -> Principal:
    """Return who is calling. Raises AuthenticationRefused."""
    credential = _credential(request)
    if not key_format.is_well_formed(credential):
        raise AuthenticationRefused.invalid()  # before a megabyte of nonsense is hashed
    # The cache is keyed by a full hash: it holds no secret, and no two credentials share an entry.
    entry = hashlib.sha256(credential.encode()).digest()
    cached = _cache.get(entry)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    asked_at = time.monotonic()
    principal = await in_database(principal_of_key, credential)
    if len(_cache) >= CACHE_SIZE:
        _cache.clear()
    _cache[entry] = (asked_at + CACHE_SECONDS, principal)
    return principal


class KeyAuthentication(BaseAuthentication):
    """The same for DRF's synchronous views."""

    def authenticate(self, request: Request) -> tuple[Principal, int | None]:
        try:
            principal = principal_of_key(_credential(request._request))
        except AuthenticationRefused as refused:
            raise AuthenticationFailed(refused.detail, refused.code) from refused
        return principal, principal.key_id

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _credential(request: HttpRequest) -> str:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return str(token.strip())
    key = request.META.get("HTTP_X_API_KEY", "").strip()
    if not key:
        raise AuthenticationRefused.missing()
    return str(key)
