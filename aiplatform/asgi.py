"""The ASGI application: static files, lifespan, websockets, and everything else through Django."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiplatform.settings")

import django

django.setup()

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import settings

# All views: not the first request's to load, and there before the lifespan freezes what stays.
import aiplatform.urls  # noqa: F401
from aiplatform.body_bound import BodyBound
from aiplatform.handler import ApiHandler, PageHandler, UploadHandler
from aiplatform.lifespan import Lifespan
from aiplatform.static_files import StaticFiles
from inference.api.websocket.routes import application as sockets

_handler = ApiHandler()
_api = BodyBound(_handler, settings.MAX_BODY_BYTES)
_images = BodyBound(_handler, settings.MAX_IMAGE_BODY_BYTES)
_uploads = BodyBound(UploadHandler(), settings.MAX_UPLOAD_BYTES)
# Pages send who is not signed in to where they can be.
_pages = BodyBound(PageHandler(), settings.MAX_BODY_BYTES, for_callers=False)
_static = StaticFiles()
_lifespan = Lifespan()


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Hand a connection to what serves it."""
    target: Any = _pages
    if scope["type"] == "lifespan":
        target = _lifespan
    elif scope["type"] == "websocket":
        target = sockets
    elif scope["path"].startswith(settings.UPLOAD_PREFIXES):
        target = _uploads
    elif scope["path"].startswith(settings.IMAGE_PREFIX):
        target = _images
    elif scope["path"].startswith(settings.API_PREFIXES):
        target = _api
    elif scope["path"].startswith("/static/"):
        target = _static
    await target(scope, receive, send)
