"""Writes of accounts, each noun in its module."""

from accounts.services.key_limits import key_limits_replace
from accounts.services.keys import (
    CHANGEABLE,
    KeyNotInForce,
    UnknownScope,
    api_key_create,
    api_key_revoke,
    api_key_rotate,
    api_key_update,
    api_keys_touch,
)

__all__ = [
    "CHANGEABLE",
    "KeyNotInForce",
    "UnknownScope",
    "api_key_create",
    "api_key_revoke",
    "api_key_rotate",
    "api_key_update",
    "api_keys_touch",
    "key_limits_replace",
]
