"""The page at `/`: what is here, whether it is healthy, and how to get a first answer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from aiplatform.health import health_report


async def favicon(request: HttpRequest) -> HttpResponse:
    """Say that there is none: browsers ask on every page, and would report a 404 as an error."""
    return HttpResponse(status=204, headers={"Cache-Control": "max-age=86400"})


async def landing(request: HttpRequest) -> HttpResponse:
    """Render the page."""
    base = request.build_absolute_uri("/").rstrip("/")
    return render(request, "landing.html", {"report": await health_report(), "base": base})
