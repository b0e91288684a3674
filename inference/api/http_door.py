"""The door every HTTP route uses: its form writes the words, this carries them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts import scopes
from accounts.authentication import authenticate
from accounts.principal import Principal
from aiplatform.clients import client_address, user_agent
from aiplatform.errors import ApiError
from aiplatform.request_log import log_request, milliseconds
from inference.api.answer import Form
from inference.api.event_stream import EventStream
from inference.gateway import errors
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import CLIENT_CLOSED, Entry
from inference.gateway.generation import generate, start
from inference.gateway.spec import GenerationSpec

Parse = Callable[[Principal], Awaitable[GenerationSpec]]

STREAM_HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def answer(request: HttpRequest, form: Form, parse: Parse) -> HttpResponseBase:
    """Generate what `parse` finds in the request and return the answer in `form`.

    The generation runs as its own task. When the client goes away before the answer began, Django
    cancels this coroutine; after that it closes the stream. Either way the task is cancelled.
    """
    door = HttpDoor(request, form, parse)
    task = start(generate(door))
    door.stream.attach(task)
    task.add_done_callback(door.ended)
    try:
        return await door.response
    except asyncio.CancelledError:
        task.cancel()
        raise


class HttpDoor:
    """One HTTP request on its way through the gateway."""

    def __init__(self, request: HttpRequest, form: Form, parse: Parse) -> None:
        self._request = request
        request.logged_by_door = True  # type: ignore[attr-defined]  # read by request_scope
        self._form = form
        self._parse = parse
        self._spec: GenerationSpec | None = None
        self._answered = Answered(1)
        self.stream = EventStream()
        self.response: asyncio.Future[HttpResponseBase] = asyncio.Future()
        self.entry = Entry(
            id=request.id,  # type: ignore[attr-defined]  # given by request_scope
            door=form.door,
            client_address=client_address(request),
            user_agent=user_agent(request),
        )

    def ended(self, generation: "asyncio.Task[None]") -> None:
        """A generation never raises; if it did, the caller must not wait for ever."""
        if not self.response.done() and not generation.cancelled() and generation.exception():
            self.response.set_exception(generation.exception() or RuntimeError())

    async def authenticate(self) -> Principal:
        principal = await authenticate(self._request)
        if scopes.GENERATE not in principal.scopes:
            raise errors.scope_missing(scopes.GENERATE)
        return principal

    async def parse(self, principal: Principal) -> GenerationSpec:
        self._spec = await self._parse(principal)
        return self._spec

    async def open(self, answered: Answered) -> None:
        self._answered = answered
        if self._spec and self._spec.stream:
            self._respond(
                StreamingHttpResponse(
                    self.stream, content_type="text/event-stream", headers=STREAM_HEADERS
                )
            )
            await self.stream.put(self._form.first(self._spec, self.entry))

    async def send(self, piece: Piece) -> None:
        # A whole answer is written at the end, from what was gathered.
        if (piece.text or piece.logprobs) and self._spec and self._spec.stream:
            await self.stream.put(self._form.delta(self._spec, self.entry, piece))

    async def finish(self, error: ApiError | None) -> None:
        await self._answer(error)
        # After the callbacks that this sets off, which send the answer.
        asyncio.get_running_loop().call_soon(self._log, error)

    async def _answer(self, error: ApiError | None) -> None:
        if self.response.cancelled() or (error and error.status == CLIENT_CLOSED):
            return
        if self.response.done():
            await self._end_stream(error)
        elif error:
            self._respond(self._form.refusal(self._request, error))
        elif self._spec:
            body = self._form.whole(self._spec, self.entry, self._answered)
            self._respond(HttpResponse(body, content_type="application/json"))

    async def _end_stream(self, error: ApiError | None) -> None:
        if error:
            await self.stream.put(self._form.failed(self.entry, error))
        elif self._spec:
            await self.stream.put(self._form.last(self._spec, self.entry, self._answered))
        await self.stream.end()

    def _respond(self, response: HttpResponseBase) -> None:
        if self.entry.overhead_ms is not None:
            # The entry was settled since it was timed; that too is time outside the model.
            in_model = self.entry.duration_ms - self.entry.overhead_ms
            response["x-overhead-ms"] = f"{milliseconds(self._request) - in_model:.2f}"
        if not self.response.done():
            self.response.set_result(response)

    def _log(self, error: ApiError | None) -> None:
        entry = self.entry
        log_request(
            self._request,
            error.status if error else 200,
            user=entry.username,
            key=entry.key_name,
            model=entry.model_name,
            outcome=entry.status,
            code=entry.error_code,
            prompt_tokens=entry.prompt_tokens,
            completion_tokens=entry.completion_tokens,
        )
