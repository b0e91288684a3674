"""GET /api/v1/tasks/{id}/events: a job's states and tokens as server-sent events."""

import time
from collections.abc import AsyncIterator
from typing import Final

from django.db import Error as DatabaseAway
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts import scopes
from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from accounts.principal import Principal
from aiplatform.database import in_database
from aiplatform.errors import ApiError, problem
from aiplatform.json_media import encode
from aiplatform.problem_schema import described
from aiplatform.store import Unavailable
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import STREAM, STREAM_HEADERS
from inference.api.native.tasks.lookup import job_of
from inference.api.native.tasks.telling import Event, check_event_id, event_of
from inference.gateway import errors
from inference.jobs.models import Job
from inference.jobs.progress import BEGINNING
from inference.jobs.watching import END, watched

_KEEP_ALIVE: Final = b": keep-alive\n\n"
_KEEP_ALIVE_S: Final = 15.0
# A revoked key stops watching within this.
_AUTHENTICATE_EVERY_S: Final = 1.0


class TaskEventsViewSet(AsyncViewSet):
    """Watch a job; its owner alone may."""

    @described(
        *("Watch a task", (200, STREAM), OpenApiTypes.STR, 400, 404, 503),
        tags=["tasks"],
        parameters=[
            OpenApiParameter(
                "Last-Event-ID", str, OpenApiParameter.HEADER, description="Where one was."
            )
        ],
        answers={204: None},
    )
    async def watch(self, request: Request, task_id: str) -> HttpResponseBase:
        """Answer with every event so far and those that come, until the job has ended."""
        plain = request._request
        principal = await _may_watch(plain)
        job = await in_database(job_of, principal, task_id)
        after = plain.headers.get("Last-Event-ID", BEGINNING)
        check_event_id(after, "Last-Event-ID")
        if after == END:
            return HttpResponse(status=204)  # browsers stop asking then (WHATWG HTML §9.2.3)
        return StreamingHttpResponse(
            _events(plain, job, after), content_type=STREAM, headers=STREAM_HEADERS
        )


async def _may_watch(request: HttpRequest) -> Principal:
    """Return who is calling. Raises ApiError."""
    try:
        principal = await authenticate(request)
    except AuthenticationRefused as refused:
        raise ApiError(401, refused.code, refused.detail) from refused
    if scopes.JOBS not in principal.scopes:
        raise errors.scope_missing(scopes.JOBS)
    return principal


async def _events(request: HttpRequest, job: Job, after: str) -> AsyncIterator[bytes]:
    authenticated = spoken = time.monotonic()
    try:
        async for seen in watched(job, after):
            now = time.monotonic()
            if now - authenticated > _AUTHENTICATE_EVERY_S:
                await _may_watch(request)
                authenticated = now
            if seen.told is not None:
                yield _written(await event_of(seen, seen.told))
                spoken = now
            elif now - spoken > _KEEP_ALIVE_S:
                yield _KEEP_ALIVE
                spoken = now
    except Unavailable:
        yield _failed(request, errors.limits_unavailable())
    except DatabaseAway:
        yield _failed(request, errors.database_unavailable())
    except ApiError as refused:
        yield _failed(request, refused)


def _written(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.name}\ndata: ".encode() + encode(event.data) + b"\n\n"


def _failed(request: HttpRequest, error: ApiError) -> bytes:
    request_id = str(request.id)  # type: ignore[attr-defined]  # given by request_scope
    return b"event: error\ndata: " + encode(problem(error, request_id)) + b"\n\n"
