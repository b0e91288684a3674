"""List and read requests of the history, and say why each went as it did."""

import re
import uuid
from typing import Any, Final

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request as Call
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.permissions import HasScope
from accounts.principal import principal_of
from aiplatform.errors import ApiError
from aiplatform.problem_schema import described
from inference.api.native.requests.explanation import explanation_of
from inference.api.native.requests.serializers import (
    ExplanationSerializer,
    RequestDetailSerializer,
    RequestPageSerializer,
    RequestQuerySerializer,
    RequestSerializer,
)
from inference.api.native.usage.whose import is_overseer, whose
from inference.gateway.models import Request
from inference.gateway.selectors import RequestFilter, request_find, requests_page

# The id as it is, or as a door answers with it: `chatcmpl-<id>`.
_ID: Final = re.compile(r"(?:[a-z_]{1,20}-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.I)


@extend_schema(tags=["requests"])
@extend_schema_view(
    list=described(
        "List requests", 200, RequestPageSerializer, 400, parameters=[RequestQuerySerializer]
    ),
    retrieve=described("Read a request", 200, RequestDetailSerializer, 404),
)
class RequestViewSet(ViewSet):
    """The caller's requests; for admins with the scope `admin` everybody's.

    Texts are answered to who asked for them alone.
    """

    permission_classes = [HasScope]
    required_scope = scopes.USAGE_READ

    def list(self, request: Call) -> Response:
        """Return one page, newest first, and where the next one is."""
        serializer = RequestQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        query = serializer.validated_data
        wanted = _filter(query, whose(principal_of(request), query))
        page = requests_page(wanted=wanted, limit=query["limit"])
        following = page.following and replace_query_param(
            request.build_absolute_uri(), "before", str(page.following)
        )
        rows = RequestSerializer(page.requests, many=True).data
        return Response({"results": rows, "next": following})

    def retrieve(self, request: Call, request_id: str) -> Response:
        """Return one request with its texts."""
        row = self._find(request_id)
        answer = dict(RequestDetailSerializer(row).data)
        if row.user_id != principal_of(request).user_id:
            answer["body"] = None
        return Response(answer)

    # Above, drf-spectacular overlooks an action whose name is none of DRF's own.
    @described("Why a request went as it did", 200, ExplanationSerializer, 404)
    def explain(self, request: Call, request_id: str) -> Response:
        """Return what decided over one request, for people and for programs."""
        return Response(explanation_of(self._find(request_id)))

    def _find(self, text: str) -> Request:
        """Return the request. Raises ApiError, the same for another's as for none at all."""
        principal = principal_of(self.request)
        owner = None if is_overseer(principal) else principal.user_id
        match = _ID.fullmatch(text)
        found = match and request_find(request_id=uuid.UUID(match[1]), user_id=owner)
        if not found:
            detail = "There is no such request. GET /api/v1/requests lists yours."
            raise ApiError(404, "request_not_found", detail)
        return found


def _filter(query: dict[str, Any], user_id: int | None) -> RequestFilter:
    return RequestFilter(
        user_id=user_id,
        key_id=query.get("key"),
        model_name=query.get("model", ""),
        status=query.get("status", ""),
        door=query.get("door", ""),
        finish_reason=query.get("finish_reason", ""),
        since=query.get("from"),
        until=query.get("to"),
        before=query.get("before"),
    )
