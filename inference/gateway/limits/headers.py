"""Rate-limit headers on answers that no admission went before: reads, refusals, account doors."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.gateway.limits.peek import limits_peek
from inference.gateway.limits.report import IN_HEADERS, tell_limits

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
_TOLD: Final = tuple(f"x-ratelimit-limit-{resource}" for resource in IN_HEADERS)


@async_only_middleware
def limits_told(get_response: Handler) -> Handler:
    """Tell whoever was authenticated how the limits stand, where the answer does not yet."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        principal: Any = getattr(request, "principal", None)  # set at authentication
        if isinstance(principal, Principal) and not any(map(response.has_header, _TOLD)):
            await _tell(response, principal)
        return response

    return middleware


async def _tell(response: HttpResponseBase, principal: Principal) -> None:
    if any(rule.resource in IN_HEADERS for rule in principal.rules):
        # With the store away: better no number than a wrong one.
        with contextlib.suppress(ApiError):
            tell_limits(response, await limits_peek(principal))
