"""Static files, by WhiteNoise as an application of its own.

As a middleware it is synchronous and would put every request into a thread.
"""

from collections.abc import Iterable
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from whitenoise import WhiteNoise


def static_files() -> WsgiToAsgi:
    """Return the application that serves STATIC_ROOT under /static/."""
    files = WhiteNoise(_nothing_here, root=str(settings.STATIC_ROOT), prefix="static/")
    return WsgiToAsgi(files)  # type: ignore[no-untyped-call]  # asgiref has no types there


def _nothing_here(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"There is no such file."]
