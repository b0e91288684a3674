"""Addresses of the history, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from inference.api.native.requests.views import RequestViewSet

_MANY: dict[str, Any] = {"get": "list"}
_ONE: dict[str, Any] = {"get": "retrieve"}
_WHY: dict[str, Any] = {"get": "explain"}

# The second address of each is left out of the schema: it is the same operation.
urlpatterns = [
    path("requests", RequestViewSet.as_view(_MANY)),
    path("requests/", RequestViewSet.as_view(_MANY, schema=None)),
    path("requests/<str:request_id>", RequestViewSet.as_view(_ONE)),
    path("requests/<str:request_id>/", RequestViewSet.as_view(_ONE, schema=None)),
    path("requests/<str:request_id>/explain", RequestViewSet.as_view(_WHY)),
    path("requests/<str:request_id>/explain/", RequestViewSet.as_view(_WHY, schema=None)),
]
