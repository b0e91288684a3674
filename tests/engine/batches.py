"""An engine over a tiny model, driven step by step, with what it delivers kept by request."""

import io
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.engine.decoder import Decoder, SlotDecoder
from inference.engine.engine import Engine
from inference.engine.headroom import Headroom
from inference.engine.log import Log
from inference.engine.prefix_index import PrefixIndex
from inference.engine.scheduler import Scheduler
from inference.engine.sliding import Sliding
from inference.engine.statistics import Statistics
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.wire import Deltas, Failed, Finished, Message, Sampling, Submit
from tests.engine import tiny_models

CONTEXT = 128


@dataclass
class Answers:
    """What was delivered: all frames in order, text and end by request id."""

    frames: list[tuple[Hashable, Message]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    ends: dict[str, Finished | Failed] = field(default_factory=dict)

    def take(self, delivered: list[tuple[Hashable, list[Message]]]) -> None:
        for connection, messages in delivered:
            for message in messages:
                self.frames.append((connection, message))
                self._note(message)

    def _note(self, message: Message) -> None:
        if isinstance(message, Deltas):
            for delta in message.items:
                self._add(delta.request_id, delta.text)
        elif isinstance(message, Finished):
            self._add(message.request_id, message.text)
            self.ends[message.request_id] = message
        elif isinstance(message, Failed):
            self.ends[message.request_id] = message

    def _add(self, request_id: str, text: str) -> None:
        self.texts[request_id] = self.texts.get(request_id, "") + text


@dataclass
class Bench:
    """An engine with its parts in reach."""

    engine: Engine
    decoder: SlotDecoder
    scheduler: Scheduler
    log: io.StringIO
    answers: Answers

    def submit(self, request_id: str, prompt: list[int], max_tokens: int = 16, **more: Any) -> None:
        sampling = Sampling(**{k: more.pop(k) for k in list(more) if hasattr(Sampling(), k)})
        self.engine.submit("gateway", Submit(request_id, prompt, max_tokens, sampling, **more))

    def finish(self) -> Answers:
        while self.engine.busy:
            self.engine.step()
        self.engine.flush()
        return self.answers


def bench(
    directory: Path,
    *,
    slots: int = 4,
    kept_slots: int = 0,
    max_waiting: int = 100,
    prefill_budget: int = 16,
    shared: Iterable[list[int]] = (),
    clock: Callable[[], float] = time.monotonic,
    headroom: Headroom | None = None,
    decoder: SlotDecoder | None = None,
    tokenizer: Tokenizer | None = None,
    context: int = CONTEXT,
    sliding: Sliding | None = None,
    make: Callable[..., Engine] = Engine,
) -> Bench:
    """Return an engine over a tiny Llama, or `decoder`; `directory` takes the tokenizer's files."""
    if tokenizer is None:
        tiny_models.tokenizer().save_pretrained(directory)
        tokenizer = Tokenizer.load(directory)
    if decoder is None:
        decoder = Decoder(tiny_models.build("llama"), slots=slots + kept_slots, context=context)
    scheduler = Scheduler(
        slots=slots,
        max_waiting=max_waiting,
        prefill_budget=prefill_budget,
        kept_slots=kept_slots,
        prefixes=PrefixIndex(shared, sliding),
        headroom=headroom,
        clock=clock,
    )
    answers, log = Answers(), io.StringIO()
    engine = make(
        decoder,
        tokenizer,
        scheduler,
        context_length=context,
        statistics=Statistics(),
        log=Log("tiny", log),
        deliver=answers.take,
    )
    return Bench(engine, decoder, scheduler, log, answers)
