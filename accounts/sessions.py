"""Sessions: whom the cookie of a person who signed in on a page stands for."""

import re
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from accounts.errors import AuthenticationRefused
from accounts.models import User
from accounts.principal import Principal
from accounts.selectors import principal_of_user

_FORM: Final = re.compile(r"[a-z0-9]{32}")


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
