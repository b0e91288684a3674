"""Addresses of the keys, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from accounts.api.keys.views import KeyViewSet

_MANY: dict[str, Any] = {"get": "list", "post": "create"}
_ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
_ROTATE: dict[str, Any] = {"post": "rotate"}

# The second address of each is left out of the schema: it is the same operation.
urlpatterns = [
    path("keys", KeyViewSet.as_view(_MANY)),
    path("keys/", KeyViewSet.as_view(_MANY, schema=None)),
    path("keys/<int:id>", KeyViewSet.as_view(_ONE)),
    path("keys/<int:id>/", KeyViewSet.as_view(_ONE, schema=None)),
    path("keys/<int:id>/rotate", KeyViewSet.as_view(_ROTATE)),
    path("keys/<int:id>/rotate/", KeyViewSet.as_view(_ROTATE, schema=None)),
]
