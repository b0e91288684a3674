"""Addresses of websockets, each with and without a trailing slash."""

from typing import Any, Final

from channels.routing import URLRouter
from django.urls import re_path

from aiplatform.errors import ApiError
from inference.api.websocket.consumer import GenerateConsumer
from inference.api.websocket.opening import refuse
from inference.api.websocket.task_consumer import TaskConsumer


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand a websocket to what serves it."""
    if scope["query_string"]:
        detail = (
            "A websocket's address takes no query: it would be logged. Send a key or token in the "
            'first message, {"type": "authenticate", "token": …}, or as Sec-WebSocket-Protocol.'
        )
        await refuse(scope, send, ApiError(400, "query_not_allowed", detail))
        return
    await _router(scope, receive, send)


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    detail = "There is no websocket at this address."
    await refuse(scope, send, ApiError(404, "not_found", detail))


_router: Final = URLRouter(
    [
        re_path(r"^ws/generate/?$", GenerateConsumer.as_asgi()),
        re_path(r"^ws/tasks/(?P<task_id>[^/]+)/?$", TaskConsumer.as_asgi()),
        re_path(r"", _nowhere),  # type: ignore[arg-type]  # a route of Channels leads to ASGI
    ]
)
