"""Addresses of the webhooks, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any, Final

from django.urls import path

from inference.api.native.webhooks.deliveries import DeliveryViewSet
from inference.api.native.webhooks.views import EndpointViewSet

_ONE: Final = "webhooks/<int:endpoint_id>"
_ROUTES: Final[list[tuple[str, Any, dict[str, Any]]]] = [
    ("webhooks", EndpointViewSet, {"get": "list", "post": "create"}),
    (
        _ONE,
        EndpointViewSet,
        {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
    ),
    (f"{_ONE}/rotate", EndpointViewSet, {"post": "rotate"}),
    (f"{_ONE}/test", EndpointViewSet, {"post": "test"}),
    (f"{_ONE}/deliveries", DeliveryViewSet, {"get": "list"}),
    (f"{_ONE}/deliveries/<int:delivery_id>/redeliver", DeliveryViewSet, {"post": "redeliver"}),
]
urlpatterns = [
    # The second address of each is left out of the schema: it is the same operation.
    path(f"{route}{slash}", viewset.as_view(actions, **({"schema": None} if slash else {})))
    for route, viewset, actions in _ROUTES
    for slash in ("", "/")
]
