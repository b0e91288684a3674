"""Pages of keys, newest first, each beginning below the last id of the one before."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

MAX_PAGE: Final = 200
DEFAULT_PAGE: Final = 100
MAX_ID: Final = 2**63 - 1


class WindowSerializer(serializers.Serializer[Any]):
    """Which page."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=DEFAULT_PAGE)
    before = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)


class KeyPagination(BasePagination):
    """`limit` (1 to 200, 100 if absent) keys with an id below `before`.

    Pages stay right while keys come and go, and the last costs no more than the first.
    """

    _next: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return one page. Raises ValidationError, naming the bound."""
        window = WindowSerializer(data=request.query_params.dict())
        window.is_valid(raise_exception=True)
        limit: int = window.validated_data["limit"]
        if "before" in window.validated_data:
            queryset = queryset.filter(id__lt=window.validated_data["before"])
        rows = list(queryset.order_by("-id")[: limit + 1])
        if len(rows) > limit:
            last = rows[limit - 1].id
            self._next = replace_query_param(request.build_absolute_uri(), "before", last)
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return what a page looks like, for the OpenAPI schema."""
        following = {"type": "string", "format": "uri", "nullable": True}
        properties = {"next": following, "results": schema}
        return {"type": "object", "required": ["next", "results"], "properties": properties}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the two parameters with their bounds, for the OpenAPI schema."""
        limit = {"minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
        before = {"minimum": 1, "maximum": MAX_ID}
        return [
            {"name": name, "in": "query", "required": False, "schema": {"type": "integer", **bound}}
            for name, bound in (("limit", limit), ("before", before))
        ]
