"""Errors as people see them who came with a browser."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

HEADINGS: Final = {
    400: "That was refused",
    403: "You may not do this",
    404: "There is nothing here",
    409: "That no longer fits",
    429: "Too many attempts",
    503: "Not available right now",
}


def is_for_people(request: HttpRequest) -> bool:
    """Return whether a browser asked for a page, rather than a program for an answer."""
    asked_for = request.headers.get("Accept", "")
    return "text/html" in asked_for and not request.path.startswith(settings.API_PREFIXES)


def error_page(
    request: HttpRequest, status: int, detail: str, *, headers: dict[str, str]
) -> HttpResponse:
    """Return a page that says what is wrong.

    It is rendered without the request: who is signed in would be read from the database, which
    may be what is wrong.
    """
    context = {
        "heading": HEADINGS.get(status, "Something went wrong"),
        "detail": detail,
        "request_id": getattr(request, "id", ""),
    }
    page = render_to_string("error.html", context)
    return HttpResponse(page, status=status, headers=headers)


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form that another site may have sent."""
    from aiplatform.errors import ApiError, response_for

    detail = (
        "The form was too old, or cookies are blocked here. Go back, load the page again and "
        "send it once more."
    )
    return response_for(request, ApiError(403, "csrf_refused", detail))
