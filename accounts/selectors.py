"""Reads of accounts: which principal a credential stands for."""

import hmac
from ipaddress import ip_network
from typing import Final

from django.conf import settings

from accounts import key_format, scopes
from accounts.errors import AuthenticationRefused
from accounts.limit_rules import rules_of
from accounts.models import ApiKey, User
from accounts.principal import Principal

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
    )


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
    )
