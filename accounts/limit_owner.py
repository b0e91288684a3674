"""Whose a limit is, in words."""

from accounts.models.limit import Limit


def limit_owner(limit: Limit) -> str:
    """Return `plan NAME`, `user NAME`, `key NAME (ID)` or `platform`."""
    owners = (("plan", limit.plan), ("user", limit.user), ("key", limit.api_key))
    return next((f"{kind} {owner}" for kind, owner in owners if owner), "platform")
