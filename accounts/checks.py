"""What of the settings must be right before anything of accounts is safe to serve."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.tokens import BLACKLIST_APP


@register(Tags.security)
def blacklist_is_installed(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Without that app a refresh token would go on working after it was spent or logged out."""
    if apps.is_installed(BLACKLIST_APP):
        return []
    return [
        Error(
            "Refresh tokens cannot be taken back: the app that remembers spent ones is missing.",
            hint=f"Add {BLACKLIST_APP!r} to INSTALLED_APPS and run `manage.py migrate`.",
            id="accounts.E001",
        )
    ]


@register(Tags.security)
def tokens_have_their_own_key(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Whatever else a key signs or digests could otherwise be shown as a token, or the reverse."""
    if settings.JWT_SIGNING_KEY not in (settings.SECRET_KEY, settings.API_KEY_PEPPER):
        return []
    return [
        Error(
            "JWT_SIGNING_KEY is the same as SECRET_KEY or API_KEY_PEPPER.",
            hint="Give JWT_SIGNING_KEY a value of its own: openssl rand -hex 32",
            id="accounts.E002",
        )
    ]


@register(Tags.security)
def access_ends_before_refresh(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """An access token that outlives its refresh token makes logging out pointless."""
    lifetimes = settings.SIMPLE_JWT
    if lifetimes["ACCESS_TOKEN_LIFETIME"] < lifetimes["REFRESH_TOKEN_LIFETIME"]:
        return []
    return [
        Error(
            "Access tokens would live as long as refresh tokens.",
            hint="Make JWT_ACCESS_MINUTES shorter than JWT_REFRESH_DAYS.",
            id="accounts.E003",
        )
    ]
