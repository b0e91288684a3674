"""Requests of callers whom nobody knows, whose bodies are not worth reading.

Their headers tell who they are. Without its body such a request takes the same way as any other and
is refused where all are, in that door's words.
"""

import io
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.db import Error as DatabaseAway

from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from aiplatform.errors import ApiError


async def is_known(scope: Any) -> bool:
    """Return whether the headers show a credential that is good."""
    try:
        await authenticate(ASGIRequest(scope, io.BytesIO()))
    except (AuthenticationRefused, ApiError, DatabaseAway):
        return False  # the door finds the same and says it
    return True
