"""The address of the limits, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from inference.api.native.quotas.views import QuotaViewSet

_READ: dict[str, Any] = {"get": "list"}

# The second is left out of the schema: it is the same operation.
urlpatterns = [
    path("quotas", QuotaViewSet.as_view(_READ)),
    path("quotas/", QuotaViewSet.as_view(_READ, schema=None)),
]
