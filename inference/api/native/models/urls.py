"""Addresses of the models, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from inference.api.native.models.views import ModelViewSet

_MANY: dict[str, Any] = {"get": "list", "post": "create"}
_ONE: dict[str, Any] = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
}

# The second address of each is left out of the schema: it is the same operation.
urlpatterns = [
    path("models", ModelViewSet.as_view(_MANY)),
    path("models/", ModelViewSet.as_view(_MANY, schema=None)),
    path("models/<str:name>", ModelViewSet.as_view(_ONE)),
    path("models/<str:name>/", ModelViewSet.as_view(_ONE, schema=None)),
]
