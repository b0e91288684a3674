"""Reads of accounts: which principal a credential stands for, and which keys one may manage."""

import hmac
from ipaddress import ip_network
from typing import Final

from django.conf import settings
from django.db.models import Q

from accounts import key_format, scopes
from accounts.errors import AuthenticationRefused
from accounts.limit_rules import rules_of
from accounts.models import ApiKey, ApiKeyQuerySet, Limit, Plan, User
from accounts.principal import Principal

EVERYBODY: Final = "*"  # no user is called that

# Stands in for the digest of a key that is not there, so that the comparison takes as long.
_NO_DIGEST: Final = "-" * 64


def principal_of_key(text: str) -> Principal:
    """Return who calls with the API key `text`. Raises AuthenticationRefused.

    An unknown key and a wrong secret get the same answer; that a key is expired or revoked is told
    only to who holds its secret.
    """
    parts = key_format.parse(text)
    if parts is None:
        raise AuthenticationRefused.invalid()
    key = ApiKey.objects.select_related("user").filter(public_id=parts.public_id).first()
    if not _secret_is_right(key.digest if key else _NO_DIGEST, parts.secret) or key is None:
        raise AuthenticationRefused.invalid()
    return _in_force(key)


def principal_again(*, user_id: int, key_id: int | None) -> Principal:
    """Return who the user is by now, through that key or, without one, as a person.

    For what was asked earlier and is done now. Raises AuthenticationRefused.
    """
    if key_id is not None:
        key = ApiKey.objects.select_related("user").filter(id=key_id, user_id=user_id).first()
        if key is None:
            raise AuthenticationRefused.invalid()
        return _in_force(key)
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise AuthenticationRefused("inactive_user", "The user is deactivated.")
    return principal_of_user(user)


def _in_force(key: ApiKey) -> Principal:
    if key.state != "active":
        raise AuthenticationRefused(f"{key.state}_api_key", f"This API key is {key.state}.")
    if not key.user.is_active:
        raise AuthenticationRefused("inactive_user", "The user of this API key is deactivated.")
    return _principal(key)


def _secret_is_right(digest: str, secret: str) -> bool:
    peppers = [settings.API_KEY_PEPPER, *settings.API_KEY_OLD_PEPPERS]
    # Every pepper is tried whatever the first says, so that time tells nothing.
    matches = [hmac.compare_digest(digest, key_format.digest(secret, pepper)) for pepper in peppers]
    return any(matches)


def principal_of_user(user: User) -> Principal:
    """Return the principal of a person who signed in: no key, everything they may do."""
    return Principal(
        user_id=user.pk,
        username=user.get_username(),
        is_admin=user.is_superuser,
        key_id=None,
        key_name="",
        scopes=scopes.ALL,
        rules=rules_of(user, None),
        weight=weight_of(user),
    )


def weight_of(user: User) -> float:
    """Return the user's share of a busy model: that of their plan, else of the default one."""
    plan = Q(pk=user.plan_id) if user.plan_id else Q(is_default=True)
    weight = Plan.objects.filter(plan).values_list("weight", flat=True).first()
    return 1.0 if weight is None else float(weight)


def keys_visible(principal: Principal) -> ApiKeyQuerySet:
    """Return the keys that the principal may manage: their own, and for an admin everybody's."""
    keys = ApiKey.objects.select_related("user").prefetch_related("limits")
    return keys if principal.is_admin else keys.filter(user=principal.user_id)


def keys_listed(keys: ApiKeyQuerySet, *, owner: str, state: str | None) -> ApiKeyQuerySet:
    """Return those of `keys` that `owner` has, or `*` for everybody, and that are in the state."""
    if owner != EVERYBODY:
        keys = keys.filter(user__username=owner)
    return keys.in_state(state) if state else keys


def limits_of(key: ApiKey) -> list[Limit]:
    """Return the key's own limits as they are now."""
    return list(Limit.objects.filter(api_key=key))


def _principal(key: ApiKey) -> Principal:
    return Principal(
        user_id=key.user_id,
        username=key.user.get_username(),
        is_admin=key.user.is_superuser,
        key_id=key.id,
        key_name=key.name,
        scopes=frozenset(key.scopes),
        allowed_models=frozenset(key.allowed_models),
        store_bodies=key.store_bodies,
        allowed_networks=tuple(ip_network(text) for text in key.allowed_networks),
        rules=rules_of(key.user, key.id),
        weight=weight_of(key.user),
    )
