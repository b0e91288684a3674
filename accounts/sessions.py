"""Sessions: whom the cookie of a person who signed in on a page stands for."""

import contextlib
import re
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from accounts.errors import AuthenticationRefused
from accounts.models import User
from accounts.principal import Principal
from accounts.selectors import principal_of_user
from aiplatform.errors import ApiError

# What changes nothing (RFC 9110 §9.2.1). A page elsewhere may have such a request sent, but is not
# let read its answer: CORS never allows credentials here.
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_FORM: Final = re.compile(r"[a-z0-9]{32}")


def session_key_of(request: HttpRequest) -> str | None:
    """Return the session's key that a page sent, None where there is none.

    Raises ApiError where another site's page may have sent it.
    """
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if session_key is not None and (request.method not in _SAFE or "Origin" in request.headers):
        refuse_foreign_origin(request)
    return session_key


def refuse_foreign_origin(request: HttpRequest) -> None:
    """Raise ApiError unless the page is ours, or one trusted with forms of ours.

    A browser sends the cookie whichever page asks. It names the page's origin with everything that
    is no plain GET, sockets included (Fetch standard, "Origin header").
    """
    origin = request.headers.get("Origin", "")
    with contextlib.suppress(DisallowedHost):
        if origin == f"{request.scheme}://{request.get_host()}":
            return
    if origin not in settings.CSRF_TRUSTED_ORIGINS:
        detail = (
            "A session's cookie is taken from pages of this host and of CSRF_TRUSTED_ORIGINS alone."
        )
        raise ApiError(403, "origin_not_allowed", detail)


def refuse_malformed_session(session_key: str) -> None:
    """Raise AuthenticationRefused for what cannot be a session's key, by its form alone."""
    if not _FORM.fullmatch(session_key):
        raise _ended()


def principal_of_session(session_key: str) -> Principal:
    """Return who is signed in. Raises AuthenticationRefused once it expired or they signed out.

    A session ends with the password it began under, as on pages.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User):
        raise _ended()
    return principal_of_user(user)


def _ended() -> AuthenticationRefused:
    return AuthenticationRefused("session_ended", "Not signed in, or not any more.")
