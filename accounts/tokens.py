"""Access and refresh tokens (JWT, RFC 7519): the one module that knows simplejwt."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import (
    AuthenticationFailed,
    ExpiredTokenError,
    TokenError,
)
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, Token, UntypedToken

from accounts.errors import AuthenticationRefused
from accounts.models import User

BLACKLIST_APP: Final = "rest_framework_simplejwt.token_blacklist"
FLUSH_ROWS: Final = 1000

# Ours have about 400 characters. The header's bound leaves its JSON no room to nest deeply.
_FORM: Final = re.compile(r"[\w-]{1,128}\.[\w-]{1,1800}\.[\w-]{0,128}", re.ASCII)


class _RefreshToken(Token):
    """A refresh token. simplejwt's own keeps its whole text in the database, for any thief of it;
    of this one the database knows the id alone.
    """

    token_type = "refresh"  # noqa: S105  # a kind, not a secret
    lifetime = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a person who signed in gets. `expires_in`: seconds that `access` is good for."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token that is good says of itself. `token_type`: access or refresh."""

    token_type: str
    username: str
    expires_at: datetime


def is_token_like(text: str) -> bool:
    """Return whether `text` means to be a token: it begins as base64 of `{"`, which no key does."""
    return text.startswith("eyJ")


def refuse_malformed(text: str) -> None:
    """Raise AuthenticationRefused for what cannot be a token of ours, by its form alone."""
    if not _FORM.fullmatch(text):
        raise _invalid()


def user_of_access_token(text: str) -> User:
    """Return who calls with an access token. Raises AuthenticationRefused."""
    return _user_of(_decoded(AccessToken, text))


def user_of_refresh_token(text: str) -> User:
    """Return whose refresh token this is, if it is not spent. Raises AuthenticationRefused."""
    return _holder(text)[0]


def token_facts(text: str) -> TokenFacts:
    """Return what a token of either kind says. Raises AuthenticationRefused where it is no good."""
    token = _decoded(UntypedToken, text)
    kind = str(token.get("token_type"))
    if kind == _RefreshToken.token_type:
        user = user_of_refresh_token(text)
    else:
        user = user_of_access_token(text)
    return TokenFacts(kind, user.get_username(), datetime.fromtimestamp(token["exp"], UTC))


def tokens_issue(*, user: User) -> TokenPair:
    """Make both tokens for a person who has just shown their password."""
    with transaction.atomic():
        update_last_login(User, user)
        return _pair(user)


def tokens_rotate(*, refresh: str) -> TokenPair:
    """Spend a refresh token for a new pair. Raises AuthenticationRefused.

    Of several calls with one token just one succeeds.
    """
    user, row = _holder(refresh)
    with transaction.atomic():
        _spend(row)
        return _pair(user)


def token_blacklist(*, refresh: str) -> None:
    """Spend a refresh token for nothing: log out. Raises AuthenticationRefused."""
    _spend(_holder(refresh)[1])


def tokens_flush_expired() -> int:
    """Forget refresh tokens that time has ended; return how many."""
    deleted = 0
    expired = OutstandingToken.objects.filter(expires_at__lt=timezone.now()).order_by()
    while ids := list(expired.values_list("id", flat=True)[:FLUSH_ROWS]):
        BlacklistedToken.objects.filter(token_id__in=ids).delete()
        deleted += OutstandingToken.objects.filter(id__in=ids).delete()[0]
    return deleted


def _pair(user: User) -> TokenPair:
    access, refresh = AccessToken.for_user(user), _RefreshToken.for_user(user)
    OutstandingToken.objects.create(
        user=user,
        jti=refresh["jti"],
        created_at=refresh.current_time,
        expires_at=datetime.fromtimestamp(refresh["exp"], UTC),
    )
    return TokenPair(str(access), str(refresh), access["exp"] - access["iat"])


def _decoded(kind: type[Token], text: str) -> Token:
    refuse_malformed(text)
    try:
        return kind(text)  # type: ignore[arg-type]  # it says a Token and means its text
    except ExpiredTokenError as error:
        raise AuthenticationRefused("token_expired", "Token has expired") from error
    except TokenError as error:
        raise _invalid() from error


def _user_of(token: Token) -> User:
    """Return the user, who must be there, be active and have the password the token began with."""
    try:
        user = JWTAuthentication().get_user(token)
    except (AuthenticationFailed, ValueError) as error:  # ValueError: its `sub` is no number
        raise _invalid() from error
    assert isinstance(user, User)
    return user


def _holder(refresh: str) -> tuple[User, OutstandingToken]:
    token = _decoded(_RefreshToken, refresh)
    row = OutstandingToken.objects.filter(jti=token["jti"], blacklistedtoken=None).first()
    if row is None:
        raise _invalid()
    return _user_of(token), row


def _spend(row: OutstandingToken) -> None:
    # Unique by token: whoever inserts the row was first.
    _, first = BlacklistedToken.objects.get_or_create(token=row)
    if not first:
        raise _invalid()


def _invalid() -> AuthenticationRefused:
    return AuthenticationRefused("invalid_token", "Invalid token")
