"""Writes of API keys: made, changed, rotated and revoked."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import key_format, scopes
from accounts.audit import audit, audit_changed, audit_created
from accounts.audit_fields import recorded
from accounts.models import ApiKey, Limit, User
from accounts.services.key_limits import key_limits_replace

CHANGEABLE: Final = (
    "name",
    "scopes",
    "allowed_models",
    "allowed_networks",
    "expires_at",
    "store_bodies",
)


class UnknownScope(ValueError):
    """A scope was asked for that the platform does not have."""


class KeyNotInForce(Exception):
    """The key was revoked, ran out or was rotated before. The message says which; safe to show."""


@transaction.atomic
def api_key_create(
    *,
    user: User,
    name: str = "",
    scope: Iterable[str] | None = None,
    allowed_models: Iterable[str] = (),
    allowed_networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    store_bodies: bool = True,
    limits: Sequence[Limit] = (),
    rotated_from: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for `user`; return it and its text, which cannot be had again.

    Raises UnknownScope, naming the scope.
    """
    wanted = sorted(set(scopes.DEFAULT if scope is None else scope))
    _refuse_unknown_scopes(wanted)
    parts = key_format.new_parts()
    key = ApiKey.objects.create(
        user=user,
        name=name,
        public_id=parts.public_id,
        digest=key_format.digest(parts.secret, settings.API_KEY_PEPPER),
        scopes=wanted,
        allowed_models=sorted(set(allowed_models)),
        allowed_networks=sorted(set(allowed_networks)),
        expires_at=expires_at,
        store_bodies=store_bodies,
        rotated_from=rotated_from,
    )
    audit_created(key)
    key_limits_replace(key=key, limits=limits)
    return key, key_format.to_text(parts)


@transaction.atomic
def api_key_revoke(*, key_id: int) -> bool:
    """Revoke a key for good; return whether it was this call that did it."""
    now = timezone.now()
    if ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=now) != 1:
        return False
    audit_changed(ApiKey.objects.get(id=key_id), {"revoked_at": None}, {"revoked_at": now})
    return True


@transaction.atomic
def api_key_update(*, key: ApiKey, fields: dict[str, Any]) -> None:
    """Change what may change of a key after it was made. Raises UnknownScope, naming the scope.

    Only these columns are written: a revocation that happens meanwhile stands.
    """
    _refuse_unknown_scopes(fields.get("scopes", []))
    changes = {name: fields[name] for name in CHANGEABLE if name in fields}
    stored = ApiKey.objects.filter(id=key.id).first()
    if changes and stored and ApiKey.objects.filter(id=key.id).update(**changes) == 1:
        audit_changed(stored, recorded(stored, changes), recorded(ApiKey(**changes), changes))


@transaction.atomic
def api_key_rotate(*, key_id: int, grace: timedelta) -> tuple[ApiKey, str]:
    """Make a key with the settings and limits of this one, which stops after `grace` at the latest.

    Of several that rotate a key at once, one does. Raises KeyNotInForce.
    """
    now = timezone.now()
    old = ApiKey.objects.select_related("user").get(id=key_id)
    end = min(now + grace, old.expires_at or datetime.max.replace(tzinfo=UTC))
    as_read = ApiKey.objects.active(now).filter(id=key_id, expires_at=old.expires_at)
    if as_read.update(expires_at=end) != 1:
        raise KeyNotInForce(_why_not(ApiKey.objects.get(id=key_id)))
    # A statement of its own: it sees what another rotation, waited for above, has made.
    after = ApiKey.objects.filter(rotated_from=old, revoked_at=None).first()
    if after:
        raise KeyNotInForce(f"This key was rotated before, to key {after.id}. Rotate that one.")
    was, becomes = {"expires_at": old.expires_at}, {"expires_at": end}
    audit("api_key.rotated", old, before=was, after=becomes)
    kept = {name: getattr(old, name) for name in CHANGEABLE if name != "scopes"}
    limits = list(Limit.objects.filter(api_key=old))
    return api_key_create(user=old.user, scope=old.scopes, limits=limits, rotated_from=old, **kept)


def api_keys_touch(*, used: dict[int, datetime]) -> None:
    """Note when keys were last used; a key noted less than a minute before is left alone."""
    for key_id, moment in used.items():
        noted_long_ago = Q(last_used_at=None) | Q(
            last_used_at__lte=moment - ApiKey.LAST_USED_RESOLUTION
        )
        # One statement, so that of several processes that saw the key at once just one writes.
        ApiKey.objects.filter(noted_long_ago, id=key_id).update(last_used_at=moment)


def _why_not(key: ApiKey) -> str:
    if key.state != "active":
        return f"This key is {key.state}. Make a new one."
    return "Somebody else changed this key at the same moment. Read it and try again."


def _refuse_unknown_scopes(wanted: list[str]) -> None:
    for one in wanted:
        if one not in scopes.ALL:
            raise UnknownScope(f"unknown scope {one!r}; there are {', '.join(sorted(scopes.ALL))}")
