"""GET and DELETE /v1/streams/{id} and /api/v1/streams/{id}."""

import re
from functools import partial
from typing import Final

from django.db import Error as DatabaseAway
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request

from accounts import scopes
from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from aiplatform.errors import ApiError, openai_error, problem
from aiplatform.problem_schema import described
from inference.api.dispatch import AsyncViewSet
from inference.api.event_stream import event
from inference.api.http_door import STREAM, STREAM_HEADERS
from inference.api.openai.serializers import OpenAIErrorSerializer
from inference.api.resumable.following import BeyondTheEnd, follow, stop
from inference.api.resumable_stream import KIND
from inference.api.streams.taken_up import TakenUpStream
from inference.gateway import errors

# The request's id as it is, or as the protocol's events carry it: `chatcmpl-<id>`.
_ID: Final = re.compile(r"(?:[a-z_]{1,20}-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.I)
_SEQ: Final = re.compile(r"\d{1,9}", re.ASCII)
_HEADER: Final = "Last-Event-ID"


class StreamViewSet(AsyncViewSet):
    """Streams that were asked for with `X-Resumable: true`; their owners' alone."""

    async def retrieve(self, request: Request, stream_id: str) -> HttpResponseBase:
        """Answer with every event after `Last-Event-ID`, and with those that come, to the end."""
        plain = request._request
        principal = await _caller(plain)
        seq = _last_seen(plain)
        try:
            following = await follow(_id_of(stream_id), KIND, principal, seq)
        except BeyondTheEnd as beyond:
            detail = f"{_HEADER}: {seq} is over {beyond.said}, the last there is."
            raise ApiError(400, "invalid_request", detail, param=_HEADER) from beyond
        if following.is_over:
            following.leave()
            return HttpResponse(status=204)  # browsers stop asking then (WHATWG HTML §9.2.3)
        body = TakenUpStream(following, partial(_caller, plain), partial(_failed, plain))
        return StreamingHttpResponse(body, content_type=STREAM, headers=STREAM_HEADERS)

    async def destroy(self, request: Request, stream_id: str) -> HttpResponseBase:
        """Cancel what is being generated, wherever that is; what was made is accounted for."""
        principal = await _caller(request._request)
        await stop(_id_of(stream_id), KIND, principal)
        return HttpResponse(status=204)


_SEEN: Final = OpenApiParameter(
    _HEADER, str, OpenApiParameter.HEADER, description="The last id that arrived."
)
_OVER: Final = {204: None}
_STREAMED: Final = {(200, STREAM): OpenApiTypes.STR}
_ERRORS: Final = dict.fromkeys((401, 403, 404, 503), OpenAIErrorSerializer)


@extend_schema(tags=["streams"])
@extend_schema_view(
    retrieve=described(
        *("Resume a stream", (200, STREAM), OpenApiTypes.STR, 400, 404, 503),
        parameters=[_SEEN],
        answers=_OVER,
    ),
    destroy=described("Stop a stream", 204, None, 404, 503),
)
class NativeStreamViewSet(StreamViewSet):
    """The same with the native side's errors."""


@extend_schema(tags=["streams"])
@extend_schema_view(
    retrieve=extend_schema(
        summary="Resume a stream",
        operation_id="openai_streams_resume",
        parameters=[_SEEN],
        responses={**_STREAMED, **_OVER, 400: OpenAIErrorSerializer, **_ERRORS},
    ),
    destroy=extend_schema(
        summary="Stop a stream",
        operation_id="openai_streams_stop",
        responses={**_OVER, **_ERRORS},
    ),
)
class OpenAIStreamViewSet(StreamViewSet):
    """The same with OpenAI's errors."""


async def _caller(request: HttpRequest) -> Principal:
    """Return who is calling. Raises ApiError."""
    try:
        principal = await authenticate(request)
    except AuthenticationRefused as refused:
        raise ApiError(401, refused.code, refused.detail) from refused
    except DatabaseAway as away:
        raise errors.database_unavailable() from away
    if scopes.GENERATE not in principal.scopes:
        raise errors.scope_missing(scopes.GENERATE)
    return principal


def _id_of(text: str) -> str:
    """Return the request's id; what is none stands for no stream."""
    found = _ID.fullmatch(text)
    return found[1].lower() if found else ""


def _last_seen(request: HttpRequest) -> int:
    text = request.headers.get(_HEADER, "0")
    if not _SEQ.fullmatch(text):
        detail = f"{_HEADER}: Send the id of an event of this stream, or none at all."
        raise ApiError(400, "invalid_request", detail, param=_HEADER)
    return int(text)


def _failed(request: HttpRequest, error: ApiError) -> bytes:
    """Return the event that ends a stream which fails, as its side writes it."""
    if request.path.startswith("/v1/"):
        return event(openai_error(error))
    request_id = str(request.id)  # type: ignore[attr-defined]  # given by request_scope
    return b"event: error\n" + event(problem(error, request_id))
