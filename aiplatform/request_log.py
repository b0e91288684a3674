"""One structured log line and one count a request."""

import time
from typing import Any

import structlog
from django.http import HttpRequest

from aiplatform.clients import client_address
from aiplatform.metrics import http_requests, http_seconds, labelled

log = structlog.get_logger("aiplatform.request")


def milliseconds(request: HttpRequest) -> float:
    """Return how long ago the request arrived."""
    began: float = request.began  # type: ignore[attr-defined]  # given by request_scope
    return (time.perf_counter() - began) * 1000


def log_request(request: HttpRequest, status: int, **fields: Any) -> None:
    """Write the line of a request that is over. `fields` are what its view knows beside."""
    elapsed = milliseconds(request)
    match = request.resolver_match
    route = match.route if match else "unmatched"
    labelled(http_requests, request.method, route, status).inc()
    labelled(http_seconds, route).observe(elapsed / 1000)
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=status,
        ms=round(elapsed, 2),
        client=client_address(request),
        **fields,
    )
