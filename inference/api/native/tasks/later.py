"""`async: true` at doors that answer at once: the same is asked, and answered later."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from aiplatform.errors import ApiError
from inference.api import fields

if TYPE_CHECKING:
    from inference.api.native.tasks.submission import SubmissionViewSet

ASYNC: Final = "async"
_HELP: Final = "Answer 202 with a task at once. The key needs the scope `jobs` too."


class MayWaitSerializer(serializers.Serializer[Any]):
    """The field that asks for a task instead of an answer; named before the door's own body."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; `async` is a word of Python's own."""
        later = fields.StrictBoolean(default=False, help_text=_HELP)
        return {**super().get_fields(), ASYNC: later}


async def asks_later(request: HttpRequest, read: Callable[[HttpRequest], Any]) -> bool:
    """Return whether the fields that `read` finds in the body say `async: true`.

    What is wrong with the body is for the door to say, once it knows who asks.
    """
    body = request.body
    if ASYNC.encode() not in body and b"\\u" not in body:  # an escape could spell it
        return False
    try:
        found = await asyncio.to_thread(read, request)
    except (ApiError, APIException):
        return False
    return isinstance(found, dict) and found.get(ASYNC) is True


async def submitted(request: HttpRequest, viewset: "type[SubmissionViewSet]") -> HttpResponseBase:
    """Return what the view that submits it answers."""
    view: Any = viewset.as_view({"post": "create"})
    return await sync_to_async(_answered)(view, request)


def _answered(view: Callable[[HttpRequest], Any], request: HttpRequest) -> HttpResponseBase:
    try:
        response: HttpResponseBase = view(request)
        if isinstance(response, Response):
            response.render()
    finally:
        close_old_connections()  # nobody else does where no request is announced
    return response
