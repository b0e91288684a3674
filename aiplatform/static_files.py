"""Static files, by WhiteNoise as an application of its own.

As a middleware it is synchronous and would put every request into a thread.
"""

from collections.abc import Iterable
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from whitenoise import WhiteNoise

from aiplatform.request_threads import request_thread


class StaticFiles:
    """Serve STATIC_ROOT under /static/."""

    def __init__(self) -> None:
        # A file keeps its name when an upgrade changes it. Browsers ask each time whether it did: a
        # module of one version among those of another would break the page. nginx says the same.
        folder = str(settings.STATIC_ROOT)
        files = WhiteNoise(_nothing_here, root=folder, prefix="static/", max_age=0)
        self._application: Any = WsgiToAsgi(files)  # type: ignore[no-untyped-call]  # no types there

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with request_thread():
            await self._application(scope, receive, send)


def _nothing_here(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"There is no such file."]
