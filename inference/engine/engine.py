"""The engine: schedule → run → deliver, once a step."""

import time
import traceback
from collections.abc import Hashable
from typing import Final

import msgspec
import torch

from inference.engine.choice import BAD_LOGITS
from inference.engine.completion_text import CompletionText
from inference.engine.decoder import SlotDecoder
from inference.engine.log import Log
from inference.engine.logprobs import Logprobs
from inference.engine.outgoing import Deliver, Outgoing
from inference.engine.sampler import Sampler
from inference.engine.scheduler import Plan, QueueFullError, Scheduler
from inference.engine.sequence import Sequence
from inference.engine.slots import Move
from inference.engine.statistics import Statistics
from inference.engine.submission import Refusal, refusal, wrong_task
from inference.engine.task import CHAT
from inference.engine.text.token_bytes import TokenBytes
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.uniforms import UniformStream
from inference.engine.vision.pictures import pictured, pictures_refusal
from inference.engine.wire import Accepted, Asked, Delta, Failed, Finished, Submit
from inference.engine.work import Work

MAX_PICTURE_BYTES: Final = 256 << 20  # of the files that wait to be looked at


class Engine:
    """Runs requests of many connections through one decoder. Used from one thread."""

    def __init__(
        self,
        decoder: SlotDecoder,
        tokenizer: Tokenizer,
        scheduler: Scheduler,
        *,
        context_length: int,
        statistics: Statistics,
        log: Log,
        deliver: Deliver,
        sampler: Sampler | None = None,
    ) -> None:
        """`deliver` takes, at most once a step, the frames for each connection."""
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._token_bytes = TokenBytes(tokenizer)
        self._sampler = sampler or Sampler(decoder.device)
        self._scheduler = scheduler
        self._context_length = context_length  # tokens, prompt and completion together
        self._statistics = statistics
        self._log = log
        self._deliver_frames = deliver
        self._outgoing: dict[Hashable, Outgoing] = {}

    @property
    def busy(self) -> bool:
        return bool(self._scheduler)

    def step(self) -> None:
        """Advance every running request by a token and the prompts by their budget."""
        began = time.monotonic()
        self._fail_late()
        self._fail_unservable()
        plan = self._scheduler.schedule()
        try:
            tokens = self._run(plan)
        except torch.AcceleratorError:  # a card that failed answers no more: the process must end
            raise
        except Exception:  # whatever a model raises is the end of this step, not of the runner
            self._fail_step(plan)
        else:
            self._deliver(tokens)
            self._fail_unread(plan)
        self._statistics.stepped(time.monotonic() - began)
        self.flush()

    def submit(self, connection: Hashable, request: Asked) -> None:
        """Queue a request, or answer why not."""
        if not isinstance(request, Submit):
            failed = Failed(request.request_id, *wrong_task(CHAT))
            self._outgoing_of(connection).messages.append(failed)
            return
        refused = self._refusal(connection, request)
        if refused is not None:
            self._outgoing_of(connection).messages.append(Failed(request.request_id, *refused))
            return
        sequence = self._sequence(connection, request)
        try:
            position = self._scheduler.add(sequence)
        except QueueFullError:
            full = Failed(request.request_id, "queue_full", "the model's queue is full; try later")
            self._outgoing_of(connection).messages.append(full)
            return
        accepted = Accepted(request.request_id, position, self._start_in(position))
        self._outgoing_of(connection).messages.append(accepted)

    def cancel(self, connection: Hashable, request_id: str) -> None:
        """End a request now. One that has ended already was answered already."""
        sequence = self._scheduler.find(connection, request_id)
        if sequence is not None:
            self._finish(sequence, "cancelled", sequence.text.finish())

    def disconnect(self, connection: Hashable) -> None:
        """Cancel everything a connection asked for; nobody is left to tell."""
        for sequence in self._scheduler:
            if sequence.connection is connection:
                self._finish(sequence, "cancelled", "")
        self._outgoing.pop(connection, None)

    def refuse_waiting(self) -> None:
        """Fail what has not begun, so that it can be sent elsewhere at once."""
        for sequence in self._scheduler:
            if sequence.started is None:
                self._fail(sequence, Refusal("draining", "the runner is shutting down"))

    def abandon(self) -> None:
        """Fail everything that is left."""
        for sequence in self._scheduler:
            self._fail(sequence, Refusal("draining", "the runner stopped before it finished"))

    def flush(self) -> None:
        """Hand over what was made since the last time."""
        self._statistics.running = self._scheduler.running
        self._statistics.waiting = self._scheduler.waiting
        self._statistics.preempted = self._scheduler.preempted
        self._statistics.estimated_wait_s = self._start_in(self._scheduler.waiting)
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, {}
            self._deliver_frames([(who, made.frames()) for who, made in outgoing.items()])

    def _run(self, plan: Plan) -> list[tuple[Sequence, int]]:
        """Run the plan; return every new token."""
        sequences, logits = self._forward(plan)
        if logits is None:
            return []
        return list(zip(sequences, self._sampler.sample(logits, sequences), strict=True))

    def _forward(self, plan: Plan) -> tuple[list[Sequence], torch.Tensor | None]:
        """Decode the running rows, write the prompts' chunks; return whose logits, and them."""
        self._copy(plan.moves)
        done: list[tuple[list[Sequence], torch.Tensor]] = []
        work = Work(plan.running, mixes=self._decoder.mixes)
        for chunk in plan.chunks:
            if not work.takes(chunk):
                done.append(self._do(work))
                work = Work([], mixes=self._decoder.mixes)
            self._copy(chunk.moves)
            if self._look(chunk.sequence, chunk.tokens):
                work.chunks.append(chunk)
        if work:
            done.append(self._do(work))
        ended = [(whose, logits) for whose, logits in done if whose]
        if not ended:
            return [], None
        sequences = [sequence for whose, _ in ended for sequence in whose]
        return sequences, ended[0][1] if len(ended) == 1 else torch.cat([made for _, made in ended])

    def _do(self, work: Work) -> tuple[list[Sequence], torch.Tensor]:
        """Return whose next tokens are chosen now, and the logits for it."""
        logits = self._decoder.run(*self._rows(work.running), work.parts)
        ends = work.ends
        if 0 < len(ends) < len(logits):
            logits = logits[list(ends)]
        return list(ends.values()), logits

    def _rows(self, running: list[Sequence]) -> tuple[list[int], list[int]]:
        """Return the tokens to decode, and their positions."""
        return [one.last_token for one in running], [one.cached for one in running]

    def _deliver(self, tokens: list[tuple[Sequence, int]]) -> None:
        # All tokens are counted before any slot is given up: what moves into the slot is as long
        # as its sequence says, and this step has written one token more to each.
        shown = [(s, s.append(token)) for s, token in tokens if token != BAD_LOGITS]
        self._fail_bad_logits([s for s, token in tokens if token == BAD_LOGITS])
        self._statistics.tokens += len(shown)
        for sequence, text in shown:
            logprobs = sequence.take_logprobs()
            if logprobs or not sequence.reason:
                delta = Delta(sequence.request.request_id, text, 1, logprobs)
                self._outgoing_of(sequence.connection).deltas.append(delta)
                text = ""
            if sequence.reason:
                self._finish(sequence, sequence.reason, text)

    def _finish(self, sequence: Sequence, reason: str, text: str) -> None:
        self._release(sequence)
        usage = sequence.usage()
        request_id = sequence.request.request_id
        finished = Finished(request_id, reason, usage, text)
        self._outgoing_of(sequence.connection).endings.append(finished)
        if reason != "cancelled":
            self._statistics.finished(sequence.service_seconds(), sequence.prefill_seconds())
        self._log_end(sequence, reason)

    def _fail(self, sequence: Sequence, why: Refusal, *, keep: bool = True) -> None:
        self._release(sequence, keep=keep)
        failed = Failed(sequence.request.request_id, why.code, why.detail, sequence.usage())
        self._outgoing_of(sequence.connection).endings.append(failed)
        self._log_end(sequence, why.code)

    def _fail_bad_logits(self, sequences: list[Sequence]) -> None:
        for sequence in sequences:  # all before anything moves and takes NaNs along
            self._decoder.clear(sequence.slot)
        detail = "the model's output was not a number; the request was stopped"
        for sequence in sequences:
            self._fail(sequence, Refusal("bad_logits", detail), keep=False)

    def _look(self, sequence: Sequence, tokens: list[int]) -> bool:
        """See the pictures that the tokens have parts of; return whether that was possible."""
        if sequence.pictures is not None:
            sequence.unread = self._decoder.look(sequence.pictures, tokens)
        return sequence.unread is None

    def _fail_unread(self, plan: Plan) -> None:
        for sequence in [chunk.sequence for chunk in plan.chunks]:
            if sequence.unread is not None:
                self._fail(sequence, sequence.unread, keep=False)

    def _fail_late(self) -> None:
        for sequence in self._scheduler.late():
            detail = "the request did not end before its deadline"
            self._fail(sequence, Refusal("deadline_passed", detail))

    def _fail_unservable(self) -> None:
        while (sequence := self._scheduler.unservable()) is not None:
            detail = (
                f"the machine has no memory left for {sequence.bound} tokens:"
                " lower max_tokens, or try later"
            )
            self._fail(sequence, Refusal("out_of_memory", detail))

    def _fail_step(self, plan: Plan) -> None:
        self._log.event("step_failed", traceback=traceback.format_exc())
        self._scheduler.forget_kept()  # not every copy that the plan names was made
        why = Refusal("internal", "the engine failed in this request's step")
        for sequence in plan.sequences:
            self._fail(sequence, why, keep=False)

    def _release(self, sequence: Sequence, *, keep: bool = True) -> None:
        self._sampler.release(sequence)
        if sequence.started is not None:
            self._statistics.prompt_tokens += len(sequence.request.prompt)
            self._statistics.cached_tokens += sequence.reused
        self._copy(self._scheduler.remove(sequence, keep=keep))

    def _copy(self, moves: list[Move]) -> None:
        for source, target, length in moves:
            self._decoder.move(source, target, length)

    def _start_in(self, position: int) -> float:
        scheduler = self._scheduler
        return self._statistics.start_in(
            position, free=scheduler.free, slots=scheduler.slots, longest=scheduler.longest
        )

    def _refusal(self, connection: Hashable, request: Submit) -> Refusal | None:
        if self._scheduler.find(connection, request.request_id) is not None:
            return Refusal("duplicate_request_id", "a request with this id is running already")
        refused = refusal(
            request,
            vocabulary_size=self._decoder.vocabulary_size,
            context_length=self._context_length,
        )
        return (
            refused
            or pictures_refusal(request, self._decoder.vision)
            or self._pictures_full(sum(map(len, request.images)))
        )

    def _pictures_full(self, more: int) -> Refusal | None:
        """Return why so many bytes of pictures cannot wait beside those that do, or None."""
        held = sum(s.pictures.waiting_bytes for s in self._scheduler if s.pictures) if more else 0
        if not held or held + more <= MAX_PICTURE_BYTES:
            return None
        return Refusal("queue_full", "too many pictures wait for the model; try later")

    def _sequence(self, connection: Hashable, request: Submit) -> Sequence:
        alternatives = request.sampling.logprobs
        sequence = Sequence(
            connection=connection,
            request=request,
            text=CompletionText(self._tokenizer, request.stop, request.min_tokens),
            uniforms=UniformStream(request.sampling.seed),
            eos_ids=frozenset() if request.ignore_eos else self._tokenizer.eos_ids,
            logprobs=None if alternatives is None else Logprobs(alternatives, self._token_bytes),
        )
        if request.images and self._decoder.vision is not None:
            sequence.tokens, sequence.pictures = pictured(request, self._decoder.vision)
            # Each file is held once, and no longer than until it is seen.
            sequence.request = msgspec.structs.replace(request, images=[])
        return sequence

    def _outgoing_of(self, connection: Hashable) -> Outgoing:
        return self._outgoing.setdefault(connection, Outgoing())

    def _log_end(self, sequence: Sequence, outcome: str) -> None:
        usage = sequence.usage()
        self._log.event(
            "request_finished",
            request_id=sequence.request.request_id,
            outcome=outcome,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            queue_ms=round(usage.queue_s * 1e3, 1),
            first_token_ms=round(usage.first_token_s * 1e3, 1),
            total_ms=round(usage.total_s * 1e3, 1),
        )
