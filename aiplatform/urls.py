"""Every address of the platform."""

from typing import Any

from django.contrib import admin
from django.urls import include, path, re_path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

from accounts.rate_limits import AnonymousThrottle
from accounts.sign_in import admin_sign_in
from aiplatform import health
from aiplatform.landing import favicon, landing
from inference.pages.playground import playground

handler400 = "aiplatform.errors.bad_request"
handler403 = "aiplatform.errors.forbidden"
handler404 = "aiplatform.errors.not_found"
handler500 = "aiplatform.errors.server_error"

# Building the schema takes long enough to be worth a bound; its pages are part of the same visit.
# Their templates cannot show what DRF answers to OPTIONS, so that they answer 405.
_for_anyone: dict[str, Any] = {"throttle_classes": [AnonymousThrottle], "metadata_class": None}

urlpatterns = [
    path("", include("inference.api.urls")),  # first: it is asked most, and tried in order
    path("", landing),
    path("favicon.ico", favicon),
    path("api/v1/", include("accounts.api.keys.urls")),
    path("api/v1/", include("accounts.api.audit.urls")),
    path("api/v1/", include("accounts.api.tokens.urls")),
    path("api/v1/", include("accounts.api.sign_up.urls")),
    path("account/", include("accounts.pages.urls")),
    path("playground", playground),
    path("playground/", playground),
    path("account/", include("inference.pages.urls")),
    path("admin/login/", admin_sign_in),  # before the admin's own at the same address
    path("admin/", admin.site.urls),
    re_path(r"^health/live/?$", health.live),
    re_path(r"^health/ready/?$", health.ready),
    re_path(r"^health/?$", health.summary),
    re_path(r"^metrics/?$", ExportToDjangoView),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(**_for_anyone), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerSplitView.as_view(url_name="schema", **_for_anyone)),
    re_path(r"^api/redoc/?$", SpectacularRedocView.as_view(url_name="schema", **_for_anyone)),
]
