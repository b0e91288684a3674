"""Whose a limit is, in words."""

from accounts.models.limit import Limit


def limit_owner(limit: Limit) -> str:
    """Return `plan NAME`, `user NAME`, `key NAME (ID)` or `platform`."""
    if limit.plan:
        return f"plan {limit.plan}"
    if limit.user:
        return f"user {limit.user}"
    if limit.api_key:
        return f"key {limit.api_key}"
    return "platform"
