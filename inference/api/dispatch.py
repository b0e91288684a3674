"""DRF viewsets whose handlers are awaited on the event loop.

DRF's dispatch is synchronous: under ASGI it would put every generation into a thread for as long as
it streams. This is the same sequence of hooks, awaited. Authentication is not done here but is the
first of the gateway's six steps, which every handler below calls.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

Handler = Callable[..., Awaitable[HttpResponseBase]]


class AsyncViewSet(ViewSet):
    """A ViewSet with `async def` actions."""

    takes_idempotency_key: ClassVar = True  # what they POST to is an HttpDoor, which does

    # DRF's own handler of OPTIONS is synchronous; CORS answers a browser's before it comes here.
    http_method_names = [name for name in ViewSet.http_method_names if name != "options"]

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
            if name not in self.http_method_names or not hasattr(self, name):
                self.headers = {"Allow": ", ".join(self.allowed_methods)}  # RFC 9110 §15.5.6
                self.http_method_not_allowed(wrapped)
            answered = getattr(self, name)(wrapped, *args, **kwargs)
            response = await cast(Awaitable[HttpResponseBase], answered)
        except Exception as raised:
            response = self.handle_exception(raised)
        finalized = self.finalize_response(wrapped, cast(Response, response), *args, **kwargs)
        self._let_go(wrapped)
        return finalized

    def _let_go(self, wrapped: Request) -> None:
        """Break the circles that DRF ties: by them each request would wait for the collector."""
        wrapped.parser_context = {}  # it knows its view, which knows it in turn
        for method in self.action_map:
            delattr(self, method)  # as_view put the view's own method into it
