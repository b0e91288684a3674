"""Read usage."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.models import ApiKey, User
from accounts.permissions import HasScope
from accounts.principal import principal_of
from aiplatform.errors import ApiError
from aiplatform.problem_schema import described
from inference.api.native.usage.serializers import UsageAnswerSerializer, UsageQuerySerializer
from inference.api.native.usage.whose import whose
from inference.gateway.cost_text import cost_text
from inference.gateway.selectors_usage import UsageFilter, usage_sums
from inference.gateway.usage_days import SUMS

# Told, never cut in silence: a sum that lacks rows is wrong.
MAX_GROUPS: Final = 5_000


class UsageViewSet(ViewSet):
    """Sums of requests, tokens and cost. Days stay when the requests they sum are purged."""

    permission_classes = [HasScope]
    required_scope = scopes.USAGE_READ

    @described(
        *("Read usage", 200, UsageAnswerSerializer, 400),
        tags=["usage"],
        parameters=[UsageQuerySerializer],
    )
    def list(self, request: Request) -> Response:
        """Return the sums of each group and of all of them."""
        serializer = UsageQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        query = serializer.validated_data
        groups = _groups(query, whose(principal_of(request), query))
        return Response(
            {
                "from": query["from"],
                "to": query["to"],
                "group_by": query["group_by"],
                "results": _named(groups, query["group_by"]),
                "totals": _amounts({name: sum(one[name] for one in groups) for name in SUMS}),
            }
        )


def _groups(query: dict[str, Any], user_id: int | None) -> list[dict[str, Any]]:
    wanted = UsageFilter(
        since=query["from"],
        until=query["to"],
        user_id=user_id,
        key_id=query.get("key"),
        model_name=query.get("model", ""),
    )
    groups = usage_sums(wanted=wanted, group_by=query["group_by"], limit=MAX_GROUPS)
    if groups is None:
        detail = f"group_by: These are over {MAX_GROUPS} groups. Ask for fewer days or group less."
        raise ApiError(400, "too_many_groups", detail, param="group_by")
    return groups


def _named(groups: list[dict[str, Any]], group_by: list[str]) -> list[dict[str, Any]]:
    keys = _key_names(groups) if "key" in group_by else {}
    users = _user_names(groups) if "user" in group_by else {}
    named = []
    for group in groups:
        of: dict[str, Any] = {}
        if "day" in group_by:
            of["day"] = group["day"]
        if "model" in group_by:
            of["model"] = group["model_name"]
        if "key" in group_by:
            of |= {"key": group["api_key_id"] or None, "key_name": keys.get(group["api_key_id"])}
        if "user" in group_by:
            of |= {"user": group["user_id"], "username": users.get(group["user_id"])}
        named.append({**of, **_amounts(group)})
    return named


def _key_names(groups: list[dict[str, Any]]) -> dict[int, str]:
    ids = {group["api_key_id"] for group in groups}
    return dict(ApiKey.objects.filter(id__in=ids).values_list("id", "name"))


def _user_names(groups: list[dict[str, Any]]) -> dict[int, str]:
    ids = {group["user_id"] for group in groups}
    return dict(User.objects.filter(id__in=ids).values_list("id", "username"))


def _amounts(sums: dict[str, Any]) -> dict[str, Any]:
    amounts = {name: sums[name] for name in SUMS if name != "cost_nano"}
    return {**amounts, "cost": cost_text(sums["cost_nano"])}
