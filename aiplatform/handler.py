"""Django's ASGI handler, twice: for pages as Django does it, and lean for the API.

Django hops into a request's thread at least twice: to announce the request and to close the
response. A generation, which opens no database connection outside `in_database`, makes no hop here.
"""

import asyncio
import contextlib
import io
import os
import tempfile
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.module_loading import import_string

from aiplatform.pushed_response import PushedResponse
from aiplatform.request_threads import request_thread

# Where every view is `async def` and reaches the database through `in_database` alone.
ON_THE_LOOP: Final = (
    "/v1/",
    "/api/v1/generate/text",
    "/api/v1/streams/",
    "/api/v1/upload/",
    "/health",
)
# Below those, what is a synchronous view all the same.
_IN_A_THREAD: Final = ("/v1/batches", "/v1/files")
_IN_MEMORY: Final = 1024 * 1024  # bytes of an upload; what is over that lies on disk


class PageHandler(ASGIHandler):
    """Serve pages, each request's synchronous code on one of a few lasting threads."""

    def create_request(self, scope: Any, body_file: Any) -> Any:
        request, response = super().create_request(scope, body_file)
        if request is not None and "CONTENT_LENGTH" not in request.META:
            # A chunked body tells no length (RFC 9112 §7.1), and DRF takes that for no body.
            request.META["CONTENT_LENGTH"] = str(body_file.seek(0, os.SEEK_END))
            body_file.seek(0)
        return request, response

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with request_thread():
            await self.handle(scope, receive, send)


class ApiHandler(PageHandler):
    """Serve the API through `API_MIDDLEWARE`, generations without leaving the event loop."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the short chain. Its middlewares are asynchronous and look at no view."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler: Any = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        for name in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(name)(handler))
        self._middleware_chain = handler

    async def read_body(self, receive: Any) -> Any:
        """Return the body, kept in memory: `BodyBound` has seen to its size."""
        return await _read(receive, io.BytesIO())

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if not path.startswith(ON_THE_LOOP) or path.startswith(_IN_A_THREAD):
            await super().handle(scope, receive, send)
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with contextlib.closing(body):
            set_script_prefix(get_script_prefix(scope))
            request, response = self.create_request(scope, body)
            if response is not None:
                await self.send_response(response, send)
                return
            await self._answer(request, receive, send)

    async def _answer(self, request: Any, receive: Any, send: Any) -> None:
        """Answer until it is sent or the client goes, whichever comes first."""
        answered: list[HttpResponseBase] = []
        answering = asyncio.create_task(self._respond(request, send, answered))
        listening = asyncio.create_task(self.listen_for_disconnect(receive))
        await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, listening):
            task.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await answering
        finally:
            for response in answered:
                _close(response)
            with contextlib.suppress(asyncio.CancelledError, RequestAborted):
                await listening

    async def _respond(self, request: Any, send: Any, answered: list[HttpResponseBase]) -> None:
        response = await self.run_get_response(request)
        answered.append(response)
        if isinstance(response, PushedResponse):
            await response.send_to(send)
        else:
            await self.send_response(response, send)


class UploadHandler(ApiHandler):
    """The same for addresses that take files: a large body lies on disk while it is read."""

    async def read_body(self, receive: Any) -> Any:
        """Return the body as an open file, which is gone when it is closed."""
        # Beside what it becomes, and not where temporary files may lie in memory.
        folder = settings.FILE_UPLOAD_TEMP_DIR
        body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder))  # noqa: SIM115
        try:
            return await _read(receive, body)
        except BaseException:
            body.close()
            raise


async def _read(receive: Any, body: Any) -> Any:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    body.seek(0)
    return body


def _close(response: HttpResponseBase) -> None:
    """Close what the response holds, without the signal that looks after this thread's database."""
    for closer in response._resource_closers:  # type: ignore[attr-defined]
        closer()
    response.closed = True
