"""The page at `/`: what is here, whether it is healthy, and how to get a first answer."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from aiplatform.database import in_database
from aiplatform.health import health_report


async def favicon(request: HttpRequest) -> HttpResponse:
    """Say that there is none: browsers ask on every page, and would report a 404 as an error."""
    return HttpResponse(status=204, headers={"Cache-Control": "max-age=86400"})


async def landing(request: HttpRequest) -> HttpResponse:
    """Render the page."""
    context = {
        "report": await health_report(),
        "base": request.build_absolute_uri("/").rstrip("/"),
        "sign_up_open": settings.SIGN_UP_ENABLED,
    }
    # The header names who is signed in, which is read from the database.
    return await in_database(render, request, "landing.html", context)
