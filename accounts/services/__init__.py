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
from accounts.services.limits import (
    Counter,
    limit_delete,
    limit_find,
    limit_save,
    limit_set,
)
from accounts.services.managed_keys import (
    managed_key_create,
    managed_key_rotate,
    managed_key_update,
)
from accounts.services.plans import (
    default_plan_install,
    plan_make_default,
    plan_save,
    user_plan_assign,
)

__all__ = [
    "CHANGEABLE",
    "Counter",
    "KeyNotInForce",
    "UnknownScope",
    "api_key_create",
    "api_key_revoke",
    "api_key_rotate",
    "api_key_update",
    "api_keys_touch",
    "default_plan_install",
    "key_limits_replace",
    "limit_delete",
    "limit_find",
    "limit_save",
    "limit_set",
    "managed_key_create",
    "managed_key_rotate",
    "managed_key_update",
    "plan_make_default",
    "plan_save",
    "user_plan_assign",
]
