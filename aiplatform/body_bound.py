"""A bound on request bodies before anything reads them whole.

Django reads the body to its end, onto disk if need be, before any view or setting has a say.
"""

from typing import Any

import structlog

from aiplatform.errors import ApiError, body_too_large, openai_error, problem
from aiplatform.json_media import encode
from aiplatform.request_ids import new_request_id

log = structlog.get_logger("aiplatform.request")


class _TooLarge(Exception):
    pass


class BodyBound:
    """Answer 413 to a body over `bound` bytes, declared or not, without reading on."""

    def __init__(self, application: Any, bound: int) -> None:
        self._application = application
        self._bound = bound

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._bound:
            await _refuse(scope, send, self._bound)
            return
        if declared != b"0":  # the server holds a client to what it declared
            await self._application(scope, receive, send)
            return
        try:
            await self._application(scope, _counted(receive, self._bound), send)
        except _TooLarge:
            await _refuse(scope, send, self._bound)


def _counted(receive: Any, bound: int) -> Any:
    total = 0

    async def counted() -> Any:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > bound:
            raise _TooLarge
        return message

    return counted


async def _refuse(scope: Any, send: Any, bound: int) -> None:
    error: ApiError = body_too_large(bound)
    request_id = str(new_request_id())
    openai = scope["path"].startswith("/v1/")
    body = encode(openai_error(error) if openai else problem(error, request_id))
    content_type = b"application/json" if openai else b"application/problem+json"
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),  # the rest of the body is still on its way
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    # No middleware sees this request, so its line is written here.
    log.info(
        "request",
        request_id=request_id,
        method=scope["method"],
        path=scope["path"],
        status=error.status,
        code=error.code,
    )
