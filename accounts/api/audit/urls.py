"""Addresses of the audit trail, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from accounts.api.audit.views import AuditViewSet

_MANY: dict[str, Any] = {"get": "list"}

# The second address is left out of the schema: it is the same operation.
urlpatterns = [
    path("audit", AuditViewSet.as_view(_MANY)),
    path("audit/", AuditViewSet.as_view(_MANY, schema=None)),
]
