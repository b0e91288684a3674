"""Whose history and usage a query asks for: one's own, or, for admins, anybody's."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts import scopes
from accounts.models import User
from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.query_parameters import QuerySerializer


class WhoseSerializer(QuerySerializer):
    """Parameters that say whose is asked for."""

    user = serializers.CharField(
        required=False, max_length=150, help_text="A user's name (admins): theirs, not one's own."
    )
    all = serializers.BooleanField(default=False, help_text="Everybody's (admins).")


def is_overseer(principal: Principal) -> bool:
    """Return whether the caller may read what is others'."""
    return principal.is_admin and scopes.ADMIN in principal.scopes


def whose(principal: Principal, query: Mapping[str, Any]) -> int | None:
    """Return the id of the user that is asked for; None: everybody. Raises ApiError."""
    if not (query["all"] or "user" in query):
        return principal.user_id
    if not is_overseer(principal):
        detail = "Others' may be read only by an admin, with a key that has the scope `admin`."
        raise ApiError(403, "permission_denied", detail)
    if "user" not in query:
        return None
    user_id = User.objects.filter(username=query["user"]).values_list("id", flat=True).first()
    if user_id is None:
        raise ApiError(400, "invalid_request", "user: There is no such user.", param="user")
    return user_id
