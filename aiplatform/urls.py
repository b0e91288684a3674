"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path, re_path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from aiplatform import health
from aiplatform.landing import favicon, landing

handler400 = "aiplatform.errors.bad_request"
handler403 = "aiplatform.errors.forbidden"
handler404 = "aiplatform.errors.not_found"
handler500 = "aiplatform.errors.server_error"

urlpatterns = [
    path("", include("inference.api.urls")),  # first: it is asked most, and tried in order
    path("", landing),
    path("favicon.ico", favicon),
    path("admin/", admin.site.urls),
    re_path(r"^health/live/?$", health.live),
    re_path(r"^health/ready/?$", health.ready),
    re_path(r"^health/?$", health.summary),
    re_path(r"^metrics/?$", ExportToDjangoView),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerView.as_view(url_name="schema")),
    re_path(r"^api/redoc/?$", SpectacularRedocView.as_view(url_name="schema")),
]
