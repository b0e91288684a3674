"""Who is on the other end of a connection."""

from django.conf import settings
from django.http import HttpRequest

MAX_USER_AGENT = 200


def client_address(request: HttpRequest) -> str:
    """Return the caller's IP address.

    `X-Forwarded-For` is believed only behind our own proxy, and then only its last entry: that one
    was written by the proxy, the ones before it by whoever called.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.TRUST_PROXY_HEADERS and forwarded:
        return str(forwarded.rsplit(",", 1)[-1].strip())
    return str(request.META.get("REMOTE_ADDR") or "")


def user_agent(request: HttpRequest) -> str:
    """Return what the client calls itself, cut to `MAX_USER_AGENT` characters."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:MAX_USER_AGENT]
