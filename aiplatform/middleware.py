"""What wraps every request: its id, its log line, its metrics and a JSON answer to a crash."""

import time
from collections.abc import Awaitable, Callable

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware
from structlog.contextvars import bound_contextvars

from aiplatform.clients import client_address
from aiplatform.metrics import http_requests, http_seconds
from aiplatform.request_ids import new_request_id

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
log = structlog.get_logger("aiplatform.request")


@async_only_middleware
def request_scope(get_response: Handler) -> Handler:
    """Give the request an id that its answer, its log lines and its history row all carry."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        request.id = new_request_id()  # type: ignore[attr-defined]
        request.began = time.perf_counter()  # type: ignore[attr-defined]
        with bound_contextvars(request_id=str(request.id)):  # type: ignore[attr-defined]
            response = await get_response(request)
            response["X-Request-Id"] = str(request.id)  # type: ignore[attr-defined]
            _record(request, response)
        return response

    return middleware


def _record(request: HttpRequest, response: HttpResponseBase) -> None:
    seconds = time.perf_counter() - request.began  # type: ignore[attr-defined]
    match = request.resolver_match
    route = match.route if match else "unmatched"
    http_requests.labels(request.method, route, response.status_code).inc()
    http_seconds.labels(route).observe(seconds)
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round(seconds * 1000, 2),
        client=client_address(request),
        **getattr(request, "log_fields", {}),
    )
