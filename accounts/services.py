"""Writes of accounts: keys made and revoked."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from accounts import key_format, scopes
from accounts.models import ApiKey, User


class UnknownScope(ValueError):
    """A scope was asked for that the platform does not have."""


def api_key_create(
    *,
    user: User,
    name: str = "",
    scope: list[str] | None = None,
    allowed_models: list[str] | None = None,
    expires_at: datetime | None = None,
    store_bodies: bool = True,
) -> tuple[ApiKey, str]:
    """Make a key for `user`; return it and its text, which cannot be had again.

    Raises UnknownScope, naming the scope.
    """
    wanted = scopes.DEFAULT if scope is None else sorted(set(scope))
    for one in wanted:
        if one not in scopes.ALL:
            raise UnknownScope(f"unknown scope {one!r}; there are {', '.join(sorted(scopes.ALL))}")
    parts = key_format.new_parts()
    key = ApiKey.objects.create(
        user=user,
        name=name,
        public_id=parts.public_id,
        digest=key_format.digest(parts.secret, settings.API_KEY_PEPPER),
        scopes=wanted,
        allowed_models=sorted(set(allowed_models or [])),
        expires_at=expires_at,
        store_bodies=store_bodies,
    )
    return key, key_format.to_text(parts)


def api_key_revoke(*, key_id: int) -> bool:
    """Revoke a key for good; return whether it was this call that did it."""
    return ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=timezone.now()) == 1


def api_keys_touch(*, used: dict[int, datetime]) -> None:
    """Note when keys were last used; a key noted less than a minute before is left alone."""
    for key_id, moment in used.items():
        stale = moment - ApiKey.LAST_USED_RESOLUTION
        fresh = ApiKey.objects.filter(id=key_id, last_used_at__gt=stale)
        if not fresh.exists():
            ApiKey.objects.filter(id=key_id).update(last_used_at=moment)
