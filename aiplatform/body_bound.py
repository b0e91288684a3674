"""A bound on request bodies before anything reads them whole, and a lower one for strangers.

Django reads the body to its end, onto disk if need be, before any view or setting has a say.
"""

from typing import Any, Final

import structlog

from aiplatform.errors import ApiError, body_too_large, openai_error, problem
from aiplatform.json_media import encode
from aiplatform.request_ids import new_request_id
from aiplatform.strangers import is_known
from aiplatform.unread_body import Unread

# Bytes of a body that are read whoever sends them: the server has taken as many from the socket
# before anybody asks for them. Most bodies are smaller, and for those nothing is looked at here.
FROM_ANYBODY: Final = 65_536

log = structlog.get_logger("aiplatform.request")


class _TooLarge(Exception):
    pass


class BodyBound:
    """Answer 413 to a body over `bound` bytes, declared or not, without reading on.

    Where it is `for_callers`, no more than FROM_ANYBODY is read of a request without a good
    credential.
    """

    def __init__(self, application: Any, bound: int, *, for_callers: bool = True) -> None:
        self._application = application
        self._bound = bound
        self._from_anybody = FROM_ANYBODY if for_callers else bound

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or (length := int(declared)) > self._bound:
            await _refuse(scope, Unread(receive, send), self._bound)
        elif length > self._from_anybody and not await is_known(scope):
            unread = Unread(receive, send)
            await self._application(scope, unread.receive, unread.send)
        elif length:  # the server holds a client to what it declared
            await self._application(scope, receive, send)
        else:
            await self._serve_counted(scope, receive, send)

    async def _serve_counted(self, scope: Any, receive: Any, send: Any) -> None:
        body = _Counted(self._bound, self._from_anybody, scope, receive, send)
        try:
            await self._application(scope, body.receive, body.send)
        except _TooLarge:
            await _refuse(scope, Unread(receive, send), self._bound)


class _Counted:
    """A request that does not tell its body's length: it is counted as it comes."""

    def __init__(self, bound: int, from_anybody: int, scope: Any, receive: Any, send: Any) -> None:
        self._bound = bound
        self._from_anybody = from_anybody
        self._scope = scope
        self._receive = receive
        self._send = send
        self._total = 0
        self._known = False
        self._unread: Unread | None = None

    async def receive(self) -> Any:
        """Return the next message. Raises _TooLarge."""
        if self._unread is not None:
            return await self._unread.receive()
        message = await self._receive()
        self._total += len(message.get("body", b""))
        if self._total > self._bound:
            raise _TooLarge
        if self._total > self._from_anybody and not self._known:
            self._known = await is_known(self._scope)
            if not self._known:
                self._unread = Unread(self._receive, self._send)
                return await self._unread.receive()
        return message

    async def send(self, message: Any) -> None:
        """Send the answer."""
        send = self._send if self._unread is None else self._unread.send
        await send(message)


async def _refuse(scope: Any, unread: Unread, bound: int) -> None:
    error: ApiError = body_too_large(bound)
    request_id = str(new_request_id())
    openai = scope["path"].startswith("/v1/")
    body = encode(openai_error(error) if openai else problem(error, request_id))
    content_type = b"application/json" if openai else b"application/problem+json"
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
    ]
    # No middleware sees this request, so its line is written here.
    log.info(
        "request",
        request_id=request_id,
        method=scope["method"],
        path=scope["path"],
        status=error.status,
        code=error.code,
    )
    await unread.send({"type": "http.response.start", "status": error.status, "headers": headers})
    await unread.send({"type": "http.response.body", "body": body})
