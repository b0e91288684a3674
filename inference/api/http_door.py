"""The door every HTTP route uses: its form writes the words, this carries them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.authentication import authenticate
from accounts.principal import Principal
from aiplatform.clients import client_address, user_agent
from aiplatform.errors import ApiError
from aiplatform.idempotency.attempt import HEADER
from aiplatform.idempotency.claim import Claim
from aiplatform.idempotency.kept_answer import KeptAnswer
from aiplatform.pushed_response import PushedResponse
from aiplatform.request_log import log_request, milliseconds
from inference.api.answer import Form
from inference.api.idempotent import claim_for
from inference.api.resumable_stream import check, stream_for
from inference.gateway import errors
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import CLIENT_CLOSED, Entry
from inference.gateway.generation import generate, start
from inference.gateway.limits.report import tell_limits
from inference.gateway.spec import Spec

S = TypeVar("S", bound=Spec)
Parse = Callable[[Principal], Awaitable[S]]

STREAM: Final = "text/event-stream"
STREAM_HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
WHOLE: Final = "application/json"


async def answer(request: HttpRequest, form: Form[S], parse: Parse[S]) -> HttpResponseBase:
    """Ask for what `parse` finds in the request and return the answer in `form`.

    The generation runs as its own task. When the client goes away before the answer began, Django
    cancels this coroutine; after that it closes the stream. Either way the task is cancelled.
    """
    door = HttpDoor(request, form, parse)
    if HEADER in request.META and (instead := await claim_for(door)):
        return instead
    task = start(generate(door))
    door.stream.attach(task)
    task.add_done_callback(door.ended)
    try:
        return await door.response
    except asyncio.CancelledError:
        door.stream.drop()
        raise


class HttpDoor(Generic[S]):
    """One HTTP request on its way through the gateway."""

    def __init__(self, request: HttpRequest, form: Form[S], parse: Parse[S]) -> None:
        self.request = request
        request.logged_by_door = True  # type: ignore[attr-defined]  # read by request_scope
        self._form = form
        self._parse = parse
        self._claim: Claim | None = None  # where the request carries an Idempotency-Key
        self._principal: Principal | None = None
        self._spec: S | None = None
        self._answered = Answered()
        self.stream = stream_for(request)
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

    def hold(self, claim: Claim) -> None:
        """Keep the answer for who asks again with the same Idempotency-Key."""
        self._claim = claim
        self.stream.record(settings.IDEMPOTENCY_MAX_ANSWER_BYTES)

    def refuse(self, error: ApiError) -> HttpResponse:
        """Return the answer to a request that is not generated for at all."""
        log_request(self.request, error.status, code=error.code)
        return self._form.refusal(self.request, error)

    def repeat(self, principal: Principal, first: KeptAnswer) -> HttpResponse:
        """Return the first answer again."""
        user, key = principal.username, principal.key_name
        log_request(self.request, first.status, user=user, key=key, outcome="replayed")
        return first.again()

    async def authenticate(self) -> Principal:
        if absent := await self.stream.absent():
            return absent
        principal = await authenticate(self.request)
        if self._form.scope not in principal.scopes:
            raise errors.scope_missing(self._form.scope)
        return principal

    async def parse(self, principal: Principal) -> S:
        self._principal = principal
        self._spec = await self._parse(principal)
        check(self.request, stream=self._spec.stream)
        return self._spec

    async def open(self, answered: Answered) -> None:
        self._answered = answered
        if self._spec and self._spec.stream and self._principal:
            await self.stream.begin(str(self.entry.id), self._principal)
            headers = {**STREAM_HEADERS, **self.stream.headers}
            self._respond(PushedResponse(self.stream, STREAM, headers))
            await self.stream.put(self._form.first(self._spec, self.entry))

    async def send(self, piece: Piece) -> None:
        # A whole answer is written at the end, from what was gathered.
        if (piece.text or piece.logprobs) and self._spec and self._spec.stream:
            await self.stream.put(self._form.delta(self._spec, self.entry, piece))

    async def finish(self, error: ApiError | None) -> None:
        last = b"" if error or not self._spec else self._last(self._spec)
        if self._claim:
            await self._conclude(self._claim, error, last)
        await self._answer(error, last)
        # After the callbacks that this sets off, which send the answer.
        asyncio.get_running_loop().call_soon(self._log, error)

    def _last(self, spec: S) -> bytes:
        """Return the whole answer, or the events that close a stream."""
        write = self._form.last if spec.stream else self._form.whole
        return write(spec, self.entry, self._answered)

    async def _conclude(self, claim: Claim, error: ApiError | None, last: bytes) -> None:
        """Keep the answer before its last byte is sent, or let the next who asks be served."""
        if error:
            await claim.release()
        elif self._spec and self._spec.stream:
            headers = {"Content-Type": STREAM, **STREAM_HEADERS}
            await claim.keep(KeptAnswer(200, headers, self.stream.recorded + last))
        else:
            await claim.keep(KeptAnswer(200, {"Content-Type": WHOLE}, last))

    async def _answer(self, error: ApiError | None, last: bytes) -> None:
        if error and error.status == CLIENT_CLOSED:
            error = self.stream.end_of(error)
            if error is None:
                return
        if self.response.cancelled():
            return
        if self.response.done():
            await self._end_stream(error, last)
        elif error:
            self._respond(self._form.refusal(self.request, error))
        else:
            self._respond(HttpResponse(last, content_type=WHOLE))

    async def _end_stream(self, error: ApiError | None, last: bytes) -> None:
        await self.stream.end(self._form.failed(self.entry, error) if error else last)

    def _respond(self, response: HttpResponseBase) -> None:
        tell_limits(response, self.entry.limits)
        if self.entry.overhead_ms is not None:
            # The entry was settled since it was timed; that too is time outside the model.
            in_model = self.entry.duration_ms - self.entry.overhead_ms
            response["x-overhead-ms"] = f"{milliseconds(self.request) - in_model:.2f}"
        if not self.response.done():
            self.response.set_result(response)

    def _log(self, error: ApiError | None) -> None:
        entry = self.entry
        log_request(
            self.request,
            error.status if error else 200,
            user=entry.username,
            key=entry.key_name,
            model=entry.model_name,
            outcome=entry.status,
            code=entry.error_code,
            prompt_tokens=entry.prompt_tokens,
            completion_tokens=entry.completion_tokens,
            images=entry.images,
        )
