"""DRF viewsets whose handlers are awaited on the event loop.

DRF's dispatch is synchronous: under ASGI it would put every generation into a thread for as long as
it streams. This is the same sequence of hooks, awaited. Authentication is not done here but is the
first of the gateway's six steps, which every handler below calls.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

Handler = Callable[..., Awaitable[HttpResponseBase]]


class AsyncViewSet(ViewSet):
    """A ViewSet with `async def` actions."""

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        return markcoroutinefunction(super().as_view(actions, **initkwargs))

    async def dispatch(  # type: ignore[override]  # awaited where DRF's returns
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        self.request = wrapped = self.initialize_request(request, *args, **kwargs)
        self.headers = {}
        try:
            wrapped.accepted_renderer, wrapped.accepted_media_type = (
                self.get_renderers()[0],
                "application/json",
            )
            name = str(request.method).lower()
            handler = getattr(self, name, self.http_method_not_allowed)
            answered = handler(wrapped, *args, **kwargs)
            response = await cast(Awaitable[HttpResponseBase], answered)
        except Exception as raised:
            response = self.handle_exception(raised)
        return self.finalize_response(wrapped, cast(Response, response), *args, **kwargs)
