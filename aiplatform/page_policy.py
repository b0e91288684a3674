"""What a browser may load and run on a page: its Content-Security-Policy (W3C CSP Level 3).

Only pages go through here; the API's short chain of middlewares has no need of it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

HEADER: Final = "Content-Security-Policy"

_SAME_ORIGIN: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
# No inline script or style, no eval, and no text that becomes markup: a script that assigns to
# innerHTML fails (W3C Trusted Types). Images that a page made itself are shown from blob:.
STRICT: Final = "; ".join(
    [
        *_SAME_ORIGIN,
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
# What others wrote: the admin and Swagger set styles and markup, ReDoc begins a worker of its own.
OTHERS: Final = "; ".join(
    [
        *_SAME_ORIGIN,
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "worker-src 'self' blob:",
    ]
)
_OF_OTHERS: Final = ("/admin/", "/api/docs", "/api/redoc")


@async_only_middleware
def page_policy(get_response: Handler) -> Handler:
    """Put the policy on every answer."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        policy = OTHERS if request.path.startswith(_OF_OTHERS) else STRICT
        response.headers.setdefault(HEADER, policy)
        return response

    return middleware
