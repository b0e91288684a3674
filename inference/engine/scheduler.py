"""Who waits, who runs, who sits in which slot. Knows nothing of tensors."""

import time
from collections import deque
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from inference.engine.sequence import Sequence


class QueueFullError(Exception):
    """As many requests wait as may wait."""


class Chunk(NamedTuple):
    """Prompt tokens `start`..`end` of a sequence, to be written to its slot in this step."""

    sequence: Sequence
    start: int
    end: int

    @property
    def completes(self) -> bool:
        return self.end == len(self.sequence.request.prompt)


class Move(NamedTuple):
    """Copy the first `length` tokens of slot `source` over slot `target`."""

    source: int
    target: int
    length: int


class Plan(NamedTuple):
    """One step: decode all of `running`, then write `chunks` of prompts."""

    running: list[Sequence]
    chunks: list[Chunk]

    @property
    def sequences(self) -> list[Sequence]:
        return [*self.running, *(chunk.sequence for chunk in self.chunks)]


class Scheduler:
    """Keeps running sequences in slots 0…B-1 and one half-written prompt, if any, in slot B.

    So the batch's keys and values are a view of the cache and never gathered, at the price of
    moving the last sequence into a slot that becomes free.
    """

    def __init__(self, *, slots: int, max_waiting: int, prefill_budget: int) -> None:
        self._slots = slots
        self._max_waiting = max_waiting
        self._prefill_budget = prefill_budget  # prompt tokens a step
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._prefilling: Sequence | None = None
        self._by_key: dict[tuple[Hashable, str], Sequence] = {}

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return len(self._running) + (self._prefilling is not None)

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(list(self._by_key.values()))

    def find(self, connection: Hashable, request_id: str) -> Sequence | None:
        return self._by_key.get((connection, request_id))

    def add(self, sequence: Sequence) -> int:
        """Queue a sequence and return how many are before it. Raises QueueFullError."""
        if len(self._waiting) >= self._max_waiting:
            raise QueueFullError
        self._by_key[sequence.key] = sequence
        self._waiting.append(sequence)
        return len(self._waiting) - 1

    def schedule(self) -> Plan:
        """Return the next step's work; prompts it names have their slots already."""
        running = list(self._running)
        chunks: list[Chunk] = []
        budget = self._prefill_budget
        while budget > 0 and (sequence := self._admit()) is not None:
            start = sequence.cached
            end = min(len(sequence.request.prompt), start + budget)
            budget -= end - start
            chunks.append(Chunk(sequence, start, end))
            sequence.cached = end
            if chunks[-1].completes:
                self._running.append(sequence)
                self._prefilling = None
        return Plan(running, chunks)

    def remove(self, sequence: Sequence) -> list[Move]:
        """Forget a sequence and return the moves that close the gap it leaves, in order."""
        del self._by_key[sequence.key]
        if sequence.slot < 0:
            self._waiting.remove(sequence)
            return []
        if sequence is self._prefilling:
            self._prefilling = None
            return []
        last = self._running.pop()
        moves = []
        if last is not sequence:
            self._running[sequence.slot] = last
            moves.append(self._move(last, sequence.slot))
        if self._prefilling is not None:
            moves.append(self._move(self._prefilling, len(self._running)))
        return moves

    def _admit(self) -> Sequence | None:
        """Return the prompt to work on: the half-written one, or the next that waits.

        The queue is first in, first out; a fair one takes its place here.
        """
        if self._prefilling is None and self._waiting and len(self._running) < self._slots:
            self._prefilling = self._waiting.popleft()
            self._prefilling.slot = len(self._running)
            self._prefilling.started = time.monotonic()
        return self._prefilling

    def _move(self, sequence: Sequence, target: int) -> Move:
        move = Move(sequence.slot, target, sequence.cached)
        sequence.slot = target
        return move
