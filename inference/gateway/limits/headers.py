"""Rate-limit headers on answers that no admission went before: reads, refusals, account doors."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.gateway.limits.peek import limits_peek
from inference.gateway.limits.report import IN_HEADERS, limit_headers

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
_TOLD: Final = tuple(f"x-ratelimit-limit-{resource}" for resource in IN_HEADERS)


@async_only_middleware
def limits_told(get_response: Handler) -> Handler:
    """Tell whoever was authenticated how the limits stand, where the answer does not yet."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        principal: Any = getattr(request, "principal", None)  # set at authentication
        if isinstance(principal, Principal) and not any(map(response.has_header, _TOLD)):
            response.headers.update(await _headers(principal))
        return response

    return middleware


async def _headers(principal: Principal) -> dict[str, str]:
    if not any(rule.resource in IN_HEADERS for rule in principal.rules):
        return {}
    try:
        return limit_headers(await limits_peek(principal))
    except ApiError:
        return {}  # the store is away: better no number than a wrong one
