"""An engine that asks the device for a step before it has seen what the last one made.

Python then plans, streams and answers while the device computes. What a row is made from stays on
the device; the host reads a token one step late. Whoever ended in between has a row too many, which
is thrown away. Requests whose choice needs the host (penalties, bias, logprobs) make each step that
they take part in wait for its tokens.
"""

from typing import Any

from torch import Tensor

from inference.engine.bias import is_biased
from inference.engine.engine import Engine
from inference.engine.graphs.choice import GraphChoice, undecided
from inference.engine.graphs.decoder import IDLE, GraphDecoder, made_in
from inference.engine.graphs.flight import Flight
from inference.engine.penalties import is_penalised
from inference.engine.sampler import Sampler
from inference.engine.scheduler import Plan, Scheduler
from inference.engine.sequence import Sequence
from inference.engine.text.tokenizer import Tokenizer

Made = list[tuple[Sequence, int]]


class FlyingEngine(Engine):
    """At most one step is in flight while the next is prepared."""

    def __init__(
        self,
        decoder: GraphDecoder,
        tokenizer: Tokenizer,
        scheduler: Scheduler,
        *,
        choice: GraphChoice,
        **more: Any,
    ) -> None:
        """`choice` writes into `decoder.chosen`, and keeps the logits of two steps."""
        sampler = Sampler(decoder.device, choice)
        super().__init__(decoder, tokenizer, scheduler, sampler=sampler, **more)
        self._choice = choice
        self._flight: Flight | None = None

    def step(self) -> None:
        super().step()
        if self._flight is not None and self._flight.begun is None:  # its tokens are here already
            self._deliver(self._landed())
            self.flush()

    def _run(self, plan: Plan) -> Made:
        """Ask for the plan's step; return the tokens of the one before."""
        self._cut_off(plan)
        sequences, logits = self._forward(plan)
        if logits is None:
            return self._landed()
        rows = [None if _has_all(one) else one for one in sequences]
        flight = Flight(rows, decoded=len(plan.running))
        if all(_is_plain(one) for one in flight.places):
            flight.begun = self._choice.begin(logits, rows)
            made = self._landed(flight)
        else:
            made = self._landed(flight)
            flight.tokens = self._sampled(logits, flight)
        self._flight = flight
        return made

    def _rows(self, running: list[Sequence]) -> tuple[list[int], list[int]]:
        places = self._flight.places if self._flight is not None else {}
        tokens = [made_in(places[one]) if one.in_flight else one.last_token for one in running]
        positions = [IDLE if _has_all(one) else one.written for one in running]
        return tokens, positions

    def _sampled(self, logits: Tensor, flight: Flight) -> list[int]:
        """Choose now for the rows that are somebody's."""
        rows = list(flight.places.values())
        chosen = self._sampler.sample(logits[rows], list(flight.places)) if rows else []
        made = dict(zip(rows, chosen, strict=True))
        return [made.get(row, 0) for row in range(len(flight.rows))]

    def _landed(self, after: Flight | None = None) -> Made:
        """Return the tokens of the step in flight; what `after` makes of wrong ones is dropped."""
        flight, self._flight = self._flight, None
        if flight is None:
            return []
        tokens = flight.tokens
        if flight.begun is not None:
            tokens = self._choice.finish(flight.begun)
            if after is not None:
                for row in undecided(flight.begun):
                    after.cut(flight.rows[row])
        landed = [(flight.land(row), token) for row, token in enumerate(tokens)]
        return [(one, token) for one, token in landed if one is not None and one.slot >= 0]

    def _cut_off(self, plan: Plan) -> None:
        """Drop from the step in flight who ended meanwhile, or gave its slot to another."""
        if self._flight is not None:
            running = set(plan.running)
            for one in [one for one in self._flight.places if one not in running]:
                self._flight.cut(one)


def _has_all(one: Sequence) -> bool:
    """Return whether all tokens that a sequence may make are made or in flight."""
    return one.generated + one.in_flight >= one.request.max_tokens


def _is_plain(one: Sequence) -> bool:
    """Return whether its token can be chosen without what only the host knows."""
    shaped = is_penalised(one.request.sampling) or is_biased(one)
    return not shaped and one.logprobs is None
