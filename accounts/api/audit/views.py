"""List audit events."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.api.audit.serializers import (
    AuditEventSerializer,
    AuditPageSerializer,
    AuditQuerySerializer,
)
from accounts.permissions import HasScope
from accounts.selectors_audit import audit_page
from aiplatform.problem_schema import described


@extend_schema(tags=["audit"])
class AuditViewSet(ViewSet):
    """Every change of a user, key, plan, limit or model. Nobody adds, changes or deletes here."""

    permission_classes = [HasScope]
    required_scope = scopes.ADMIN
    for_admins = True

    @extend_schema(parameters=[AuditQuerySerializer])
    @described("List changes (admins)", 200, AuditPageSerializer, 400)
    def list(self, request: Request) -> Response:
        """Return one page, newest first, and where the next one is."""
        serializer = AuditQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        wanted = dict(serializer.validated_data)
        events, following = audit_page(limit=wanted.pop("limit"), wanted=wanted)
        address = request.build_absolute_uri()
        older = following and replace_query_param(address, "before", str(following))
        return Response({"results": AuditEventSerializer(events, many=True).data, "next": older})
