"""Server-sent events that may be resumed: each has its number for an id (WHATWG HTML §9.2.6)."""

import asyncio
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.event_stream import EventStream
from inference.api.resumable.absent import Absent
from inference.api.resumable.kept import Kept

KIND: Final = "events"
HEADER: Final = "X-Resumable"
PARAMETER: Final = OpenApiParameter(
    HEADER,
    bool,
    OpenApiParameter.HEADER,
    description="A stream that may be resumed at /v1/streams/{id} when the connection was lost.",
)
_GAP: Final = b"\n\n"


class ResumableStream(EventStream):
    """The body of a streaming response whose generation goes on for a while without its client."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: Kept | None = None  # None: it could not be kept, and is like any other
        self._principal: Principal | None = None
        self._absent: Absent | None = None
        self._sending: asyncio.Task[None] | None = None  # while it waits for the client
        self._cut = False
        self._stopped = False
        self._stopped_by: ApiError | None = None

    @property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override]  # where others have none
        return {HEADER: str(settings.RESUME_WINDOW_S)} if self._kept else {}

    async def begin(self, request_id: str, principal: Principal) -> None:
        kept = Kept(request_id, self)
        if await kept.begin(KIND, principal, b""):
            self._kept, self._principal = kept, principal

    async def absent(self) -> Principal | None:
        return await self._absent.may_generate() if self._absent else None

    def end_of(self, error: ApiError) -> ApiError | None:
        if self._kept is None:
            return None
        return self._stopped_by or ApiError(error.status, "cancelled", "It was cancelled.")

    async def end(self, data: bytes) -> None:
        await super().end(data)
        if self._kept:
            await self._kept.end()

    def stop(self, reason: ApiError | None = None) -> None:
        """Cancel the generation: nobody wants it any more, unless there is another `reason`."""
        # Once: a second cancellation would cut short what the first one has to account for.
        if self._generation is not None and not self._stopped:
            self._stopped, self._stopped_by = True, reason
            self._generation.cancel()

    def displaced(self) -> None:
        """The client came back by another connection: the one it had may hang."""
        self._is_absent()
        self._hang_up()
        if self._sending:  # to a client that takes nothing: the generation must not wait for it
            self._cut = True
            self._sending.cancel()

    def _leave(self) -> None:
        if self._kept is None:
            super()._leave()
            return
        self._is_absent()
        self._kept.leave()

    def _is_absent(self) -> None:
        if self._absent is None and self._principal is not None:
            self._absent = Absent(self._principal)

    async def _pass_on(self, data: bytes, *, last: bool) -> None:
        await super()._pass_on(self._numbered(data, last=last), last=last)

    async def _send_part(self, data: bytes) -> None:
        self._sending = asyncio.current_task()
        try:
            await super()._send_part(data)
        except asyncio.CancelledError:
            if not self._cut or (self._sending and self._sending.uncancel()):
                raise
        finally:
            self._sending = None

    def _numbered(self, data: bytes, *, last: bool) -> bytes:
        """Return the events with their ids, having kept them."""
        if self._kept is None or not data:
            return data
        events = data.split(_GAP)[:-1]
        numbered = []
        for remaining, event in zip(reversed(range(len(events))), events, strict=True):
            one = b"id: %d\n%b%b" % (self._kept.seq + 1, event, _GAP)
            self._kept.write(one, last=last and not remaining)
            numbered.append(one)
        return b"".join(numbered)


def stream_for(request: HttpRequest) -> EventStream:
    """Return the stream that the request asks for."""
    return ResumableStream() if _asked(request) == "true" else EventStream()


def check(request: HttpRequest, *, stream: bool) -> None:
    """Raise ApiError where the request asks for what cannot be resumed."""
    asked = _asked(request)
    if asked not in ("", "true", "false"):
        raise _invalid("Must be `true` or `false`.")
    if asked == "true" and not stream:
        raise _invalid("Only a stream can be resumed; ask with `stream`.")


def _asked(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_X_RESUMABLE", ""))


def _invalid(reason: str) -> ApiError:
    return ApiError(400, "invalid_request", f"{HEADER}: {reason}", param=HEADER)
