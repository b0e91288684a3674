"""List, make, read, change, test and delete endpoints, and give them new secrets."""

from datetime import timedelta
from typing import Any

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
from inference.api.native.webhooks.serializers import (
    DeliverySerializer,
    EndpointSerializer,
    MadeEndpointSerializer,
    SecretRotationSerializer,
)
from inference.jobs.webhooks.models import Endpoint
from inference.jobs.webhooks.selectors import endpoints_of
from inference.jobs.webhooks.services import (
    MAX_ENDPOINTS,
    ConcurrentChange,
    TooManyEndpoints,
    endpoint_create,
    endpoint_delete,
    endpoint_rotate,
    endpoint_update,
    webhook_test,
)


@extend_schema(tags=["webhooks"])
@extend_schema_view(
    create=extend_schema(request=EndpointSerializer),
)
class EndpointViewSet(CreatesOnce, GenericViewSet[Endpoint]):
    """The caller's own endpoints. Nobody reads others', admins neither."""

    queryset = Endpoint.objects.none()
    serializer_class = EndpointSerializer
    pagination_class = KeyPagination
    permission_classes = [HasScope]
    required_scope = scopes.ADMIN
    lookup_url_kwarg = "endpoint_id"
    filter_backends = []

    @described("List webhook endpoints", 200, EndpointSerializer(many=True), 400)
    def list(self, request: Request) -> Response:
        """The newest first."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @described("Read a webhook endpoint", 200, EndpointSerializer, 404)
    def retrieve(self, request: Request, endpoint_id: int) -> Response:
        """Its secret cannot be read."""
        return Response(self.get_serializer(self.get_object()).data)

    @described("Make a webhook endpoint", 201, MadeEndpointSerializer, 400, 409, 429, 503)
    @rate_limited("webhook")
    def create(self, request: Request) -> Response:
        """Answers the endpoint's secret, once."""
        fields = _valid(self.get_serializer(data=request.data))
        try:
            made = endpoint_create(user_id=principal_of(request).user_id, **fields)
        except TooManyEndpoints as error:
            detail = f"You have {MAX_ENDPOINTS} endpoints, the most. Delete some."
            raise ApiError(409, "too_many_webhooks", detail) from error
        return _with_secret(*made, status.HTTP_201_CREATED)

    @described("Change a webhook endpoint", 200, EndpointSerializer, 400, 404, 409)
    def partial_update(self, request: Request, endpoint_id: int) -> Response:
        """Disabling it gives up what is still to be sent there."""
        endpoint = self.get_object()
        fields = _valid(self.get_serializer(endpoint, data=request.data, partial=True))
        try:
            endpoint_update(endpoint=endpoint, fields=fields)
        except ConcurrentChange as error:
            raise _changed_meanwhile() from error
        return Response(self.get_serializer(self.get_object()).data)

    @described("Delete a webhook endpoint", 204, None, 404)
    def destroy(self, request: Request, endpoint_id: int) -> Response:
        """With the log of its deliveries."""
        endpoint_delete(endpoint=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=SecretRotationSerializer)
    @described("Replace an endpoint's secret", 200, MadeEndpointSerializer, 400, 404, 409, 429, 503)
    @rate_limited("webhook")
    def rotate(self, request: Request, endpoint_id: int) -> Response:
        """Answers the new secret, once. The old one signs beside it during the overlap."""
        endpoint = self.get_object()
        asked = _valid(SecretRotationSerializer(data=request.data))
        overlap = timedelta(seconds=asked["overlap_seconds"])
        try:
            secret = endpoint_rotate(endpoint=endpoint, overlap=overlap)
        except ConcurrentChange as error:
            raise _changed_meanwhile() from error
        return _with_secret(self.get_object(), secret, status.HTTP_200_OK)

    @extend_schema(request=None)
    @described("Test a webhook endpoint", 202, DeliverySerializer, 404, 409, 429, 503)
    @rate_limited("webhook")
    def test(self, request: Request, endpoint_id: int) -> Response:
        """Send it the event `webhook.test`, whatever it is subscribed to."""
        endpoint = self.get_object()
        if not endpoint.enabled:
            detail = "The endpoint is disabled. Enable it first."
            raise ApiError(409, "webhook_disabled", detail)
        delivery = webhook_test(endpoint=endpoint)
        return Response(DeliverySerializer(delivery).data, status.HTTP_202_ACCEPTED)

    def get_queryset(self) -> QuerySet[Endpoint]:
        """Return the caller's endpoints; a foreign one is not found."""
        return endpoints_of(principal_of(self.request).user_id)

    def get_object(self) -> Endpoint:
        return get_object_or_404(self.get_queryset(), id=self.kwargs["endpoint_id"])


def _valid(serializer: Any) -> Any:
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def _with_secret(endpoint: Endpoint, secret: str, code: int) -> Response:
    made = MadeEndpointSerializer(endpoint, context={"secret": secret})
    # No cache on the way may keep a secret.
    headers = {"Cache-Control": "no-store", "Location": f"/api/v1/webhooks/{endpoint.pk}"}
    return Response(made.data, code, headers=headers)


def _changed_meanwhile() -> ApiError:
    detail = "Somebody else changed this endpoint at the same moment. Read it and try again."
    return ApiError(409, "concurrent_change", detail)
