"""How a websocket begins: as an HTTP request (RFC 6455 §4.1), which may be refused as one."""

import contextlib
import io
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from accounts.authentication import credential_of
from accounts.errors import AuthenticationRefused
from accounts.sessions import refuse_foreign_origin
from aiplatform.clients import client_address, user_agent
from aiplatform.errors import ApiError, problem
from aiplatform.json_media import encode
from aiplatform.request_ids import new_request_id
from inference.api.websocket.credential import Credential, OfBearer, OfSession
from inference.api.websocket.protocol import SUBPROTOCOL

_BEARER: Final = "bearer."


class Opening(NamedTuple):
    """What a socket's first request says of its client."""

    address: str
    user_agent: str
    credential: Credential | None  # None: the first message says who is calling
    subprotocol: str | None


def opening_of(scope: Any) -> Opening:
    """Return what the request says. Raises ApiError where it is refused."""
    request = _request(scope)
    offered: list[str] = scope["subprotocols"]
    if offered and SUBPROTOCOL not in offered:
        detail = f"Sec-WebSocket-Protocol: offer `{SUBPROTOCOL}`, the only one spoken here."
        raise ApiError(400, "unknown_subprotocol", detail)
    return Opening(
        address=client_address(request),
        user_agent=user_agent(request),
        credential=_credential(request, offered),
        subprotocol=SUBPROTOCOL if offered else None,
    )


async def refuse(scope: Any, send: Any, error: ApiError) -> None:
    """Answer the request as HTTP, where the reason can be read."""
    scope["query_string"] = b""  # the server logs it, and it may hold what is secret
    body = encode(problem(error, str(new_request_id())))
    headers = [(name.encode(), value.encode()) for name, value in error.headers().items()]
    headers += [(b"content-type", b"application/problem+json")]
    await send(
        {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})


def _request(scope: Any) -> ASGIRequest:
    scheme = "https" if scope["scheme"] == "wss" else "http"
    as_http = {**scope, "type": "http", "method": "GET", "scheme": scheme}
    return ASGIRequest(as_http, io.BytesIO())


def _credential(request: HttpRequest, offered: list[str]) -> Credential | None:
    """Return what was shown on purpose; only then what a browser sends by itself."""
    for one in offered:
        if one.startswith(_BEARER):
            return OfBearer(one.removeprefix(_BEARER))
    with contextlib.suppress(AuthenticationRefused):
        return OfBearer(credential_of(request))
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if session_key is None:
        return None
    refuse_foreign_origin(request)  # no rule of CORS stops a page from opening a socket
    return OfSession(session_key)
