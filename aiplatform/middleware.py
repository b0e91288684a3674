"""What wraps every request: its id, which its answer, its log line and its history row carry."""

import time
from collections.abc import Awaitable, Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import async_only_middleware
from structlog.contextvars import bound_contextvars

from accounts.actor import acting
from aiplatform.request_ids import new_request_id
from aiplatform.request_log import log_request

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@async_only_middleware
def request_scope(get_response: Handler) -> Handler:
    """Give each request its id and see that it leaves one log line."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        request.id = new_request_id()  # type: ignore[attr-defined]
        request.began = time.perf_counter()  # type: ignore[attr-defined]
        in_logs = bound_contextvars(request_id=str(request.id))  # type: ignore[attr-defined]
        with in_logs, acting(request):
            response = await get_response(request)
            if isinstance(response, HttpResponse):  # a stream has no length to tell
                response.headers.setdefault("Content-Length", str(len(response.content)))
            response["X-Request-Id"] = str(request.id)  # type: ignore[attr-defined]
            # Django would log every 4xx and 5xx a second time.
            response._has_been_logged = True  # type: ignore[attr-defined]
            # A generation writes its own line, when it knows what it came to.
            if not hasattr(request, "logged_by_door"):
                log_request(request, response.status_code)
        return response

    return middleware
