"""How often something may be tried, by address and by user name: `settings.RATES`.

django-ratelimit counts, in windows of the shared store, so that all processes count together. It is
synchronous and meant for views that are: signing in, tokens, sign-up, making keys, uploads.
"""

import unicodedata
from collections.abc import Callable
from functools import wraps
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.authentication import KeyAuthentication
from accounts.principal import Principal
from aiplatform.clients import client_address
from aiplatform.errors import ApiError
from aiplatform.store import Unavailable

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")
Method = Callable[Concatenate[V, Request, P], R]

# One home or office gets at least a /64; whoever has one has all of its addresses.
IPV6_NETWORK: Final = 64
MAX_NAME: Final = 150  # characters, the most a user name has


def name_of_caller(request: Request) -> str:
    """Return the user name of whoever was authenticated."""
    principal: object = request.user
    return principal.username if isinstance(principal, Principal) else ""


def name_in_body(request: Request) -> str:
    """Return the `username` of the body, whether or not there is such a user."""
    body: object = request.data
    return str(body.get("username") or "") if isinstance(body, dict) else ""


def rate_limited(
    group: str, name: Callable[[Request], str] = name_of_caller
) -> Callable[[Method[V, P, R]], Method[V, P, R]]:
    """Count calls of a view's method among the attempts of `group`, a key of settings.RATES.

    `name` says for which user name; where it says none, the address alone counts.
    """

    def decorate(method: Method[V, P, R]) -> Method[V, P, R]:
        @wraps(method)
        def counted(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> R:
            attempt(request._request, group, name(request))
            return method(view, request, *args, **kwargs)

        return counted

    return decorate


class AnonymousThrottle(BaseThrottle):
    """For public views: whoever shows no key or token that is good is counted by address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True. Raises ApiError, which says more than a refusal of DRF's could."""
        if not _is_known(request):
            attempt(request._request, "anonymous", "")
        return True


def attempt(request: HttpRequest, group: str, name: str) -> None:
    """Count one attempt, or refuse it and count nothing.

    Raises ApiError: 429 with the seconds after which the next attempt will be let through, 503
    where the store cannot be asked.
    """
    rates = settings.RATES[group]
    counters = [(f"{group} by address", _network(request), rate) for rate in rates["address"]]
    if name:
        counters += [(f"{group} by name", _normal(name), rate) for rate in rates["name"]]
    try:
        # Asked first and counted then, so that who is refused and waits as told gets through.
        for count in (False, True):
            wait = max((_wait(request, *one, count=count) for one in counters), default=0)
            if wait:
                raise _too_often(wait)
    except Unavailable as error:
        raise _unavailable() from error


def _wait(request: HttpRequest, group: str, value: str, rate: str, *, count: bool) -> int:
    """Return the seconds until this counter lets an attempt pass; 0: now."""
    usage = get_usage(request, group=group, key=lambda *_: value, rate=rate, increment=count)
    full = usage["should_limit"] or (not count and usage["count"] >= usage["limit"])
    # The window's last second still belongs to it.
    return max(1, usage["time_left"] + 1) if full else 0


def _network(request: HttpRequest) -> str:
    try:
        address = ip_address(client_address(request))
    except ValueError:
        return "unknown"  # nothing in front of a unix socket said who it is
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), IPV6_NETWORK), strict=False))


def _normal(name: str) -> str:
    """Return what different spellings of one name share; no user has a longer one."""
    text = unicodedata.normalize("NFKC", name[:MAX_NAME].strip()).casefold()
    return text.encode(errors="replace").decode()  # it is hashed, and half a surrogate cannot be


def _is_known(request: Request) -> bool:
    caller: object = request.user
    if isinstance(caller, Principal):
        return True
    try:
        KeyAuthentication().authenticate(request)
    except AuthenticationFailed:
        return False
    return True


def _too_often(wait: int) -> ApiError:
    detail = f"Too many attempts. Try again in {wait} seconds."
    return ApiError(429, "rate_limited", detail, retry_after=wait)


def _unavailable() -> ApiError:
    detail = "Attempts cannot be counted now, so none is let through. Try again shortly."
    return ApiError(503, "limits_unavailable", detail, retry_after=2)
