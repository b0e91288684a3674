"""Writes of accounts: keys made, changed and revoked."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts import key_format, scopes
from accounts.models import ApiKey, User

CHANGEABLE: Final = ("name", "scopes", "allowed_models", "expires_at", "store_bodies")


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
    _refuse_unknown_scopes(wanted)
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


def api_key_update(*, key: ApiKey, fields: dict[str, Any]) -> None:
    """Change what may change of a key after it was made. Raises UnknownScope, naming the scope.

    Only these columns are written: a revocation that happens meanwhile stands.
    """
    _refuse_unknown_scopes(fields.get("scopes", []))
    changes = {name: fields[name] for name in CHANGEABLE if name in fields}
    if changes:
        ApiKey.objects.filter(id=key.id).update(**changes)


def api_keys_touch(*, used: dict[int, datetime]) -> None:
    """Note when keys were last used; a key noted less than a minute before is left alone."""
    for key_id, moment in used.items():
        noted_long_ago = Q(last_used_at=None) | Q(
            last_used_at__lte=moment - ApiKey.LAST_USED_RESOLUTION
        )
        # One statement, so that of several processes that saw the key at once just one writes.
        ApiKey.objects.filter(noted_long_ago, id=key_id).update(last_used_at=moment)


def _refuse_unknown_scopes(wanted: list[str]) -> None:
    for one in wanted:
        if one not in scopes.ALL:
            raise UnknownScope(f"unknown scope {one!r}; there are {', '.join(sorted(scopes.ALL))}")
