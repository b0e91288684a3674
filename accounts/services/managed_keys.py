"""What a principal does with keys, within what the principal may."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, cast

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import scopes
from accounts.errors import ConcurrentChange
from accounts.key_bounds import (
    CallingKey,
    refuse_above_user,
    refuse_useless_scopes,
)
from accounts.key_settings import KeySettings, settings_of
from accounts.models import ApiKey, Limit, User
from accounts.principal import Principal
from accounts.selectors import limits_of
from accounts.services.key_limits import key_limits_replace
from accounts.services.keys import (
    KeyNotInForce,
    api_key_create,
    api_key_rotate,
    api_key_update,
)
from aiplatform.errors import ApiError

MAX_ACTIVE_KEYS: Final = 200
# What a key may change of one that may more than itself: neither lets it do more.
_GIVES_NOTHING: Final = frozenset({"name", "store_bodies"})


@transaction.atomic
def managed_key_create(
    *, principal: Principal, owner: User, settings: KeySettings, limits: Sequence[Limit] | None
) -> tuple[ApiKey, str]:
    """Make a key for `owner`; return it and its text. Raises ApiError.

    What is not given is as the calling key has it, or, for a person, as free as it may be.
    """
    _hold_owner(owner)
    _refuse_too_many(owner)
    calling = _hold_calling_key(principal)
    defaults: KeySettings = calling.defaults() if calling else {"scopes": scopes.DEFAULT}
    if not owner.is_superuser:
        defaults["scopes"] = sorted(set(defaults["scopes"]) - scopes.ADMINS_ONLY)
    if limits is None:
        limits = calling.limits if calling else ()
    whole: KeySettings = {**defaults, **settings}
    _refuse_beyond(principal, calling, owner, whole, limits)
    rest: dict[str, Any] = {name: value for name, value in whole.items() if name != "scopes"}
    return api_key_create(user=owner, scope=whole["scopes"], limits=limits, **rest)


def managed_key_update(
    *, principal: Principal, key: ApiKey, settings: KeySettings, limits: Sequence[Limit] | None
) -> None:
    """Change a key that is not revoked. Raises ApiError.

    What is given as it is already is no change, and is not held against the caller.
    """
    try:
        with transaction.atomic():
            _update(principal, key, settings, limits)
    except (IntegrityError, ConcurrentChange) as error:
        detail = "Somebody else changed this key at the same moment. Read it and try again."
        raise ApiError(409, "concurrent_change", detail) from error


def _update(
    principal: Principal, key: ApiKey, settings: KeySettings, limits: Sequence[Limit] | None
) -> None:
    _hold_owner(key.user)
    calling = _hold_calling_key(principal)
    stored = settings_of(_hold_unrevoked(key))
    changes = {name: value for name, value in settings.items() if value != stored.get(name)}
    if limits is not None and _amounts(limits) == _amounts(limits_of(key)):
        limits = None
    _refuse_beyond(principal, calling, key.user, cast(KeySettings, changes), limits)
    if calling and (changes.keys() - _GIVES_NOTHING or limits is not None):
        # Together with what it has already: a scope is worth more in a key that ends later.
        calling.refuse_beyond(cast(KeySettings, {**stored, **changes}))
        calling.refuse_looser(limits_of(key) if limits is None else limits)
    api_key_update(key=key, fields=changes)
    if limits is not None:
        key_limits_replace(key=key, limits=limits)


@transaction.atomic
def managed_key_rotate(
    *, principal: Principal, key: ApiKey, grace: timedelta
) -> tuple[ApiKey, str]:
    """Put a new key in the place of `key`; return it and its text. Raises ApiError."""
    _hold_owner(key.user)
    if grace:
        _refuse_too_many(key.user)
    calling = _hold_calling_key(principal)
    if calling:
        # Who gets the secret gets all that the key may do.
        calling.refuse_beyond(settings_of(ApiKey.objects.get(id=key.id)))
        calling.refuse_looser(limits_of(key))
    try:
        return api_key_rotate(key_id=key.id, grace=grace)
    except KeyNotInForce as refused:
        raise ApiError(409, "key_not_in_force", str(refused)) from refused


def _hold_owner(owner: User) -> None:
    """Hold the user's row until the transaction ends, so that changes of their keys take turns."""
    held = User.objects.filter(id=owner.id, is_active=True).update(plan_id=F("plan_id"))
    if held != 1:
        detail = f"The user {owner.username} is deactivated; a key of theirs would not work."
        raise ApiError(409, "inactive_user", detail)


def _hold_calling_key(principal: Principal) -> CallingKey | None:
    """Return the key that calls, which is in force until the transaction ends; None: a person."""
    if principal.key_id is None:
        return None
    in_force = ApiKey.objects.active().filter(id=principal.key_id)
    if in_force.update(public_id=F("public_id")) != 1:
        raise ApiError(401, "invalid_api_key", "The API key you call with was taken back.")
    key = ApiKey.objects.get(id=principal.key_id)
    return CallingKey(key, tuple(limits_of(key)))


def _hold_unrevoked(key: ApiKey) -> ApiKey:
    held = ApiKey.objects.filter(id=key.id, revoked_at=None).update(public_id=F("public_id"))
    if held != 1:
        raise ApiError(409, "key_revoked", "This key is revoked for good. Make a new one.")
    return ApiKey.objects.get(id=key.id)


def _refuse_too_many(owner: User) -> None:
    if ApiKey.objects.active().filter(user=owner).count() >= MAX_ACTIVE_KEYS:
        detail = f"{owner.username} has {MAX_ACTIVE_KEYS} keys that work, the most. Revoke some."
        raise ApiError(409, "too_many_keys", detail)


def _refuse_beyond(
    principal: Principal,
    calling: CallingKey | None,
    owner: User,
    settings: KeySettings,
    limits: Sequence[Limit] | None,
) -> None:
    refuse_useless_scopes(owner, settings.get("scopes", []))
    if calling:
        calling.refuse_beyond(settings)
    if limits is None:
        return
    if calling:
        calling.refuse_looser(limits)
    if not principal.is_admin:
        refuse_above_user(owner, limits)


def _amounts(limits: Sequence[Limit]) -> dict[tuple[str, ...], Decimal]:
    return {limit.counter: limit.amount for limit in limits}
