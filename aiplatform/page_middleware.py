"""Django's page middlewares, which step aside for API requests.

An API call has no session, cookie or form, and each of these would cost it a thread hop. Being
subclasses, they still satisfy the system checks that look for Django's own.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.deprecation import MiddlewareMixin
from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware

ViewFunction = Callable[..., HttpResponseBase]
API_PREFIXES = ("/v1/", "/api/v1/", "/health", "/metrics")


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIXES)


class PageScoped(MiddlewareMixin):
    """Run the middleware it is mixed into for pages only. The project runs under ASGI alone."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        inner: Any = self.get_response if _is_api(request) else super().__acall__
        response: HttpResponseBase = await inner(request)
        return response


class PageViewScoped(PageScoped):
    """The same for a middleware that also looks at the view."""

    async def process_view(
        self, request: HttpRequest, view: ViewFunction, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if _is_api(request):
            return None
        inner: Any = sync_to_async(super().process_view)  # type: ignore[misc]  # the mixed-in one
        response: HttpResponseBase | None = await inner(request, view, args, kwargs)
        return response


class PagePrometheusBefore(PageScoped, PrometheusBeforeMiddleware):  # type: ignore[misc]
    """Counts page requests."""


class PagePrometheusAfter(PageViewScoped, PrometheusAfterMiddleware):  # type: ignore[misc]
    """Times page requests."""


class PageSecurity(PageScoped, SecurityMiddleware):
    """Security headers."""


class PageSession(PageScoped, SessionMiddleware):
    """Sessions."""


class PageCommon(PageScoped, CommonMiddleware):
    """Trailing slashes and content length."""


class PageCsrf(PageViewScoped, CsrfViewMiddleware):  # type: ignore[misc]
    """Cross-site request forgery."""


class PageAuthentication(PageScoped, AuthenticationMiddleware):
    """The signed-in user."""


class PageMessages(PageScoped, MessageMiddleware):
    """One-time messages."""


class PageXFrameOptions(PageScoped, XFrameOptionsMiddleware):
    """No framing."""
