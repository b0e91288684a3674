"""Django's ASGI handler, twice: for pages as Django does it, and lean for the API.

Django hops into a request's thread at least twice: to announce the request and to close the
response. A generation, which opens no database connection outside `in_database`, makes no hop here.
"""

import asyncio
import contextlib
import io
import os
import tempfile
from typing import Any, Final, cast

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix
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
        self._fixed: dict[str, ResolverMatch] = {}
        handler: Any = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        for name in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(name)(handler))
        self._middleware_chain = handler

    def resolve_request(self, request: Any) -> ResolverMatch:
        """Return the view of the request's address; one without parameters is looked for once."""
        match = self._fixed.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if not match.args and not match.kwargs:  # so many, and no more, are in the urlconf
                self._fixed[request.path_info] = match
        request.resolver_match = match
        return match

    async def read_body(self, receive: Any) -> Any:
        """Return the body, kept in memory: `BodyBound` has seen to its size."""
        return await _read(receive, io.BytesIO())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path.startswith(ON_THE_LOOP) and not path.startswith(_IN_A_THREAD):
            await self._handle_on_the_loop(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _handle_on_the_loop(self, scope: Any, receive: Any, send: Any) -> None:
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
        answering = cast("asyncio.Task[None]", asyncio.current_task())
        answered: list[HttpResponseBase] = []
        listening = asyncio.create_task(_cancel_when_gone(answering, receive))
        try:
            await self._respond(request, send, answered)
        except asyncio.CancelledError:
            if not listening.done():  # it is the server that ends
                raise
            answering.uncancel()
        finally:
            # Nothing awaits between the last byte and this: who was served is not taken for gone.
            listening.cancel()
            for response in answered:
                _close(response)

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


async def _cancel_when_gone(answering: "asyncio.Task[None]", receive: Any) -> None:
    """Cancel what answers once the client has gone: after the body nothing else is received.

    Django's way of telling, an exception, holds on to request and answer by its traceback, and they
    to it: all of it would wait for the garbage collector, request after request.
    """
    await receive()
    answering.cancel()


def _close(response: HttpResponseBase) -> None:
    """Close what the response holds, without the signal that looks after this thread's database."""
    for closer in response._resource_closers:  # type: ignore[attr-defined]
        closer()
    response.closed = True
