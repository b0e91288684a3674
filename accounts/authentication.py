"""The authenticator of every door: an API key or an access token, each in either header.

Where neither is sent, the session of a page of ours.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import key_format, tokens
from accounts.errors import AuthenticationRefused
from accounts.networks import lies_in
from accounts.principal import Principal
from accounts.selectors import principal_of_key, principal_of_user
from accounts.sessions import principal_of_session, refuse_malformed_session, session_key_of
from aiplatform.clients import client_address
from aiplatform.database import in_database
from aiplatform.errors import ApiError
from aiplatform.snapshot import Snapshot

# A revoked key works no longer than this anywhere: no message has to arrive for it to stop.
CACHE_SECONDS: Final = 0.5
CACHE_SIZE: Final = 10_000

MAX_ADDRESS: Final = 45  # characters of an IPv6 address; a proxy may forward anything

# Keyed by a full hash: it holds no secret, and no two credentials share an entry.
_cache: Final[dict[bytes, Snapshot[Principal]]] = {}


async def authenticate(request: HttpRequest) -> Principal:
    """Return who is calling.

    Raises AuthenticationRefused, and ApiError where the credential is right and the place is not.
    """
    shown = _shown_by(request)
    principal = _from_here(await _principal_for(shown.reader, shown.text), client_address(request))
    request.principal = principal  # type: ignore[attr-defined]  # for what looks at the answer
    return principal


async def authenticate_credential(credential: str, address: str) -> Principal:
    """The same for a key or token that came by another way than a request's headers."""
    principal = await _principal_for(_reader_of(credential), credential)
    return _from_here(principal, address)


async def authenticate_session(session_key: str) -> Principal:
    """The same for the session of a person who signed in. Raises AuthenticationRefused."""
    refuse_malformed_session(session_key)
    return await _principal_for(principal_of_session, session_key)


class KeyAuthentication(BaseAuthentication):
    """The same for DRF's synchronous views."""

    def authenticate(self, request: Request) -> tuple[Principal, int | None]:
        try:
            shown = _shown_by(request._request)
            principal = shown.reader(shown.text)
        except AuthenticationRefused as refused:
            raise AuthenticationFailed(refused.detail, refused.code) from refused
        _from_here(principal, client_address(request._request))
        request._request.principal = principal  # type: ignore[attr-defined]  # as above
        return principal, principal.key_id

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


async def _principal_for(read: Callable[[str], Principal], credential: str) -> Principal:
    """Return whom the credential stands for, read again once it is older than CACHE_SECONDS."""
    digest = hashlib.sha256(credential.encode()).digest()
    if digest not in _cache:
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        _cache[digest] = Snapshot(partial(in_database, read, credential), CACHE_SECONDS)
    return await _cache[digest].get()


def _reader_of(credential: str) -> Callable[[str], Principal]:
    """Return what reads credentials of this kind from the database, by their form alone.

    Raises AuthenticationRefused for what is of no kind: before a megabyte of nonsense is hashed.
    """
    if key_format.is_well_formed(credential):
        return principal_of_key
    if tokens.is_token_like(credential):
        tokens.refuse_malformed(credential)
        return _principal_of_token
    raise AuthenticationRefused.invalid()


def _from_here(principal: Principal, address: str) -> Principal:
    """Return the principal, who may call from that address. Raises ApiError.

    Looked at for each request: a principal is kept for a while, an address is not.
    """
    if principal.allowed_networks and not lies_in(address, principal.allowed_networks):
        detail = f"This API key may not be used from {address[:MAX_ADDRESS] or 'here'}."
        raise ApiError(403, "network_not_allowed", detail)
    return principal


def _principal_of_token(text: str) -> Principal:
    return principal_of_user(tokens.user_of_access_token(text))


class _Shown(NamedTuple):
    """What a request says who is calling with, and what reads that from the database."""

    reader: Callable[[str], Principal]
    text: str


def _shown_by(request: HttpRequest) -> _Shown:
    """Return what was shown on purpose; only then the cookie, which a browser sends by itself.

    Raises AuthenticationRefused, and ApiError where the cookie came from another site's page.
    """
    try:
        credential = credential_of(request)
    except AuthenticationRefused:
        session_key = session_key_of(request)
        if session_key is None:
            raise
        refuse_malformed_session(session_key)
        return _Shown(principal_of_session, session_key)
    return _Shown(_reader_of(credential), credential)


def credential_of(request: HttpRequest) -> str:
    """Return the key or token in a request's headers. Raises AuthenticationRefused."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return str(token.strip())
    key = request.META.get("HTTP_X_API_KEY", "").strip()
    if not key:
        raise AuthenticationRefused.missing()
    return str(key)
