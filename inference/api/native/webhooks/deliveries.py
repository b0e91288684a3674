"""Read what was sent to an endpoint, and send it again."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import scopes
from accounts.api.keys.pagination import KeyPagination
from accounts.permissions import HasScope
from accounts.principal import principal_of
from accounts.rate_limits import rate_limited
from aiplatform.errors import ApiError
from aiplatform.idempotency.views import CreatesOnce
from aiplatform.problem_schema import described
from inference.api.native.webhooks.serializers import DeliveryFilterSerializer, DeliverySerializer
from inference.jobs.webhooks.models import Delivery
from inference.jobs.webhooks.selectors import deliveries_of, endpoints_of
from inference.jobs.webhooks.services import DeliveryNotOver, delivery_redeliver


@extend_schema(tags=["webhooks"])
@extend_schema_view(
    list=extend_schema(parameters=[DeliveryFilterSerializer]),
)
class DeliveryViewSet(CreatesOnce, GenericViewSet[Delivery]):
    """The log of one of the caller's endpoints."""

    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    pagination_class = KeyPagination
    permission_classes = [HasScope]
    required_scope = scopes.ADMIN
    filter_backends = []

    @described("List an endpoint's deliveries", 200, DeliverySerializer(many=True), 400, 404)
    def list(self, request: Request, endpoint_id: int) -> Response:
        """The newest first."""
        asked = DeliveryFilterSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        rows = self.get_queryset().filter(**asked.validated_data)
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=None)
    @described("Send an event again", 202, DeliverySerializer, 404, 409, 429, 503)
    @rate_limited("webhook")
    def redeliver(self, request: Request, endpoint_id: int, delivery_id: int) -> Response:
        """With the same `webhook-id`, and with all its retries. Not while it is being tried."""
        delivery = get_object_or_404(self.get_queryset(), id=delivery_id)
        try:
            delivery_redeliver(delivery=delivery)
        except DeliveryNotOver as refused:
            raise ApiError(409, "delivery_not_over", str(refused)) from refused
        renewed = self.get_queryset().get(id=delivery_id)
        return Response(self.get_serializer(renewed).data, status.HTTP_202_ACCEPTED)

    def get_queryset(self) -> QuerySet[Delivery]:
        """Return the deliveries of the endpoint, if it is the caller's."""
        owned = endpoints_of(principal_of(self.request).user_id)
        return deliveries_of(get_object_or_404(owned, id=self.kwargs["endpoint_id"]))
