"""The address of usage, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from inference.api.native.usage.views import UsageViewSet

_READ: dict[str, Any] = {"get": "list"}

# The second is left out of the schema: it is the same operation.
urlpatterns = [
    path("usage", UsageViewSet.as_view(_READ)),
    path("usage/", UsageViewSet.as_view(_READ, schema=None)),
]
