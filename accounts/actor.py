"""Who is acting: whoever called with the request that is served, or the command that runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.principal import Principal
from aiplatform.clients import client_address

MAX_ADDRESS: Final = 45  # characters of an IPv6 address; a proxy may forward anything

NOBODY: Final = "nobody"  # a request without credentials: a sign-up
PLATFORM: Final = "platform"  # neither a request nor a command

# The request itself, not who called: that is known only once it is authenticated, on another
# thread perhaps. What authenticates writes `request.user`, whatever the door and the credential.
_acting: Final[ContextVar[HttpRequest | str]] = ContextVar("acting", default=PLATFORM)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the audit trail tells it."""

    name: str
    user_id: int | None = None  # None: no user
    key_id: int | None = None  # None: signed in as a person, or no user
    address: str = ""
    request_id: UUID | None = None


@contextmanager
def acting(who: HttpRequest | str) -> Iterator[None]:
    """Let `who`, a request or the name of what runs without one, act while the block runs."""
    token = _acting.set(who)
    try:
        yield
    finally:
        # A server starts the next request of a connection in the context of the one before.
        _acting.reset(token)


def current_actor() -> Actor:
    """Return who acts right now."""
    who = _acting.get()
    return Actor(who) if isinstance(who, str) else _caller(who)


def _caller(request: HttpRequest) -> Actor:
    name, user_id, key_id = _identity(getattr(request, "user", None))
    return Actor(
        name=name,
        user_id=user_id,
        key_id=key_id,
        address=client_address(request)[:MAX_ADDRESS],
        request_id=getattr(request, "id", None),
    )


def _identity(user: object) -> tuple[str, int | None, int | None]:
    if isinstance(user, Principal):
        return user.username, user.user_id, user.key_id
    if isinstance(user, AbstractBaseUser):  # of a session: the admin
        return user.get_username(), user.pk, None
    return NOBODY, None, None
