"""The authenticator of every door: an API key as a bearer token or in `X-API-Key`."""

import hashlib
from functools import partial
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
from aiplatform.snapshot import Snapshot

# A revoked key works no longer than this anywhere: no message has to arrive for it to stop.
CACHE_SECONDS: Final = 0.5
CACHE_SIZE: Final = 10_000

# Keyed by a full hash: it holds no secret, and no two credentials share an entry.
_cache: Final[dict[bytes, Snapshot[Principal]]] = {}


async def authenticate(request: HttpRequest) -> Principal:
    """Return who is calling. Raises AuthenticationRefused."""
    credential = _credential(request)
    if not key_format.is_well_formed(credential):
        raise AuthenticationRefused.invalid()  # before a megabyte of nonsense is hashed
    digest = hashlib.sha256(credential.encode()).digest()
    if digest not in _cache:
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        read = partial(in_database, principal_of_key, credential)
        _cache[digest] = Snapshot(read, CACHE_SECONDS)
    return await _cache[digest].get()


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
