"""One generation on a socket, on its way through the gateway."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from accounts.principal import Principal
from aiplatform.errors import ApiError
from aiplatform.request_ids import new_request_id
from inference.api.token_logprobs import named
from inference.api.websocket.asking import spec_of
from inference.api.websocket.caller import Caller
from inference.api.websocket.line import Line
from inference.api.websocket.protocol import (
    Accepted,
    Delta,
    Error,
    Finished,
    Generate,
    Numbered,
    Queued,
    ServerMessage,
    Timings,
    Usage,
    error_message,
)
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import CLIENT_CLOSED, Entry
from inference.gateway.spec import GenerationSpec

log = structlog.get_logger("aiplatform.request")

DOOR: Final = "ws/generate"


class WebSocketDoor:
    """Says what comes from the generation's own task, straight to the socket.

    While the socket is full that task waits, and the run gathers what is made meanwhile.
    """

    resume_s: int | None = None

    def __init__(self, asked: Generate, line: Line, caller: Caller) -> None:
        self.id = asked.id
        self.line: Line | None = line  # None: its client is away
        self.caller = caller
        self.entry = Entry(
            id=new_request_id(),
            door=DOOR,
            client_address=caller.address,
            user_agent=caller.user_agent,
        )
        self._asked = asked
        self._answered = Answered()
        self._seq = 0
        self.task: asyncio.Task[None] | None = None
        self.at_end: Callable[[], object] | None = None  # before its end is said
        self._stopped = False
        self._stopped_by: ApiError | None = None

    def attach(self, generation: "asyncio.Task[None]") -> None:
        """Name the task that runs this."""
        self.task = generation

    @property
    def request_id(self) -> str:
        return str(self.entry.id)

    async def cancel(self) -> None:
        """Stop it, as its client asks; its end is said as always."""
        self.stop()

    def end(self, reason: ApiError) -> None:
        """Stop it for that reason, which is its end."""
        self.stop(reason)

    def leave(self) -> None:
        """The client is gone."""
        self.stop()

    def stop(self, reason: ApiError | None = None) -> None:
        """End it, as its client asked for unless there is another `reason`."""
        # Once: a second cancellation would cut short what the first one has to account for.
        if self.task and not self._stopped:
            self._stopped, self._stopped_by = True, reason
            self.task.cancel()

    async def authenticate(self) -> Principal:
        return await self.caller.may_generate()

    async def parse(self, principal: Principal) -> GenerationSpec:
        return await spec_of(principal, self._asked)

    async def open(self, answered: Answered) -> None:
        self._answered = answered
        await self._tell(self.accepted(self.id))
        place = answered.accepted
        if place and place.position:
            await self._tell(Queued(self.id, place.position, round(place.estimated_s, 3)))

    async def send(self, piece: Piece) -> None:
        if piece.text or piece.logprobs:
            self._seq += 1
            logprobs = named(piece.logprobs) if piece.logprobs else None
            await self._pass_on(Delta(self.id, self._seq, piece.text, piece.choice, logprobs))

    async def finish(self, error: ApiError | None) -> None:
        self._log(error)
        if self.at_end:
            self.at_end()
        self._seq += 1
        if error and error.status == CLIENT_CLOSED:
            error = self._stopped_by
        await self._pass_on(self._failed(error) if error else self._finished())

    def accepted(self, named: str) -> Accepted:
        """Return the message that a replica has it."""
        entry = self.entry
        return Accepted(named, str(entry.id), entry.model_name, entry.prompt_tokens, self.resume_s)

    async def _pass_on(self, message: Numbered) -> None:
        await self._tell(message)

    async def _tell(self, message: ServerMessage) -> None:
        """Say it if there is anybody; whoever notices that there is not ends or detaches this."""
        if self.line:
            try:
                await self.line.say(message)
            except OSError:  # not suppressed: making that object for each token is dear
                return

    def _finished(self) -> Finished:
        entry = self.entry
        return Finished(
            id=self.id,
            seq=self._seq,
            request_id=str(entry.id),
            finish_reason=entry.finish_reason or "cancelled",
            finish_reasons=[
                choice.finish_reason or "cancelled" for choice in self._answered.choices
            ],
            usage=Usage(
                entry.prompt_tokens,
                entry.completion_tokens,
                entry.prompt_tokens + entry.completion_tokens,
                entry.cached_tokens,
            ),
            timings=Timings(
                _rounded(entry.queue_ms),
                _rounded(entry.ttft_ms),
                round(entry.duration_ms, 2),
                _rounded(entry.overhead_ms),
            ),
        )

    def _failed(self, error: ApiError) -> Error:
        return error_message(error, self.id, request_id=str(self.entry.id), seq=self._seq)

    def _log(self, error: ApiError | None) -> None:
        entry = self.entry
        log.info(
            "request",
            request_id=str(entry.id),
            method="WS",
            path="/ws/generate",
            status=error.status if error else 200,
            ms=round(entry.duration_ms, 2),
            client=entry.client_address,
            user=entry.username,
            key=entry.key_name,
            model=entry.model_name,
            outcome=entry.status,
            code=entry.error_code,
            prompt_tokens=entry.prompt_tokens,
            completion_tokens=entry.completion_tokens,
        )


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
