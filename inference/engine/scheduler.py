"""What each step does: who waits, who runs, who gives way. Knows nothing of tensors."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Final, NamedTuple

from inference.engine.deadlines import Deadlines
from inference.engine.fair_queue import FairQueue
from inference.engine.headroom import Headroom
from inference.engine.prefix_index import PrefixIndex
from inference.engine.sequence import Sequence
from inference.engine.sliding import KvSize
from inference.engine.slots import Move, Slots

# Reading the weights for a chunk takes as long as this many tokens' arithmetic, however short it
# is: what a chunk takes of the budget at least, or many small ones would hold up the decode.
LEAST_CHUNK: Final = 16  # tokens
# And a prompt's last few tokens are no chunk of their own: by this part of it a budget is exceeded.
OVERRUN: Final = 1 / 8


class QueueFullError(Exception):
    """As many requests wait as may wait."""


class Chunk(NamedTuple):
    """Tokens `start`..`end` of a sequence, to be written to its slot after `moves` were made."""

    sequence: Sequence
    start: int
    end: int
    moves: list[Move]

    @property
    def completes(self) -> bool:
        return self.end == len(self.sequence.tokens)

    @property
    def tokens(self) -> list[int]:
        return self.sequence.tokens[self.start : self.end]


class Plan(NamedTuple):
    """One step: make `moves`, decode all of `running`, then write `chunks` of prompts."""

    moves: list[Move]
    running: list[Sequence]
    chunks: list[Chunk]

    @property
    def sequences(self) -> list[Sequence]:
        return [*self.running, *(chunk.sequence for chunk in self.chunks)]


class Scheduler:
    """Fills the slots from a fair queue, and lets whoever holds few of them in at once."""

    def __init__(
        self,
        *,
        slots: int,
        max_waiting: int,
        prefill_budget: int,
        kept_slots: int = 0,
        prefixes: PrefixIndex | None = None,
        headroom: Headroom | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use `slots` + `kept_slots` slots of the cache, the latter only for what ended."""
        self.slots = slots
        self._max_waiting = max_waiting
        self._prefill_budget = prefill_budget  # prompt tokens a step
        self._clock = clock  # seconds
        total = slots + kept_slots
        self._slots = Slots(
            bound=slots,
            total=total,
            prefixes=prefixes or PrefixIndex(),
            headroom=headroom or Headroom(slots=total, size=KvSize(0)),
        )
        self._queue: FairQueue[Sequence] = FairQueue()
        self._deadlines: Deadlines[Sequence] = Deadlines()
        self._by_key: dict[tuple[Hashable, str], Sequence] = {}
        self.preempted = 0  # times since start

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return self._slots.used

    @property
    def free(self) -> int:
        """Slots in which another sequence could run now."""
        return self._slots.free

    @property
    def longest(self) -> int:
        """The most tokens that a running sequence may make."""
        return max((s.request.max_tokens for s in self._slots.running), default=0)

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(list(self._by_key.values()))

    def find(self, connection: Hashable, request_id: str) -> Sequence | None:
        return self._by_key.get((connection, request_id))

    def add(self, sequence: Sequence) -> int:
        """Queue a sequence and return how many are before it. Raises QueueFullError."""
        # For what begins in the next step the queue is only a passage.
        if len(self._queue) >= self._max_waiting + self._slots.free:
            raise QueueFullError
        now = self._clock()
        self._by_key[sequence.key] = sequence
        self._deadlines.add(sequence, now)
        return self._queue.add(sequence, now)

    def late(self) -> list[Sequence]:
        """Return the sequences whose deadline has passed; all of them are to be removed."""
        return self._deadlines.passed(self._clock())

    def unservable(self) -> Sequence | None:
        """Return the next that waits where nothing runs and memory still is not there for it."""
        first = None if self._slots.used else self._queue.peek(self._clock())
        return None if first is None or self._slots.fits(first) else first

    def schedule(self) -> Plan:
        """Return the next step's work; prompts it names have their slots already."""
        moves = self._make_room()
        running = list(self._slots.running)
        chunks: list[Chunk] = []
        budget = self._prefill_budget
        while budget > 0 and (chunk := self._next_chunk(budget)) is not None:
            budget -= max(LEAST_CHUNK, chunk.end - chunk.start)
            chunks.append(chunk)
        return Plan(moves, running, chunks)

    def remove(self, sequence: Sequence, *, keep: bool = True) -> list[Move]:
        """Forget a sequence and return the moves that close the gap it leaves, in order.

        Without `keep`, what it computed is not to be used again.
        """
        del self._by_key[sequence.key]
        self._deadlines.forget(sequence)
        if sequence.slot < 0:
            self._queue.remove(sequence)
            return []
        self._queue.refund(sequence)
        return self._slots.give_up(sequence, keep=keep)

    def forget_kept(self) -> None:
        """Reuse nothing of what was computed until now: the cache may not hold it."""
        self._slots.forget()

    def _next_chunk(self, budget: int) -> Chunk | None:
        """Plan the half-written prompt's next tokens, or the first ones of the next that waits."""
        moves = self._admit()
        sequence = self._slots.prefilling
        if sequence is None:
            return None
        start = sequence.cached
        end = start + budget
        if end + int(OVERRUN * self._prefill_budget) >= len(sequence.tokens):
            end = len(sequence.tokens)
        sequence.cached = end
        chunk = Chunk(sequence, start, end, moves)
        if chunk.completes:
            self._slots.begin_decoding()
        return chunk

    def _admit(self) -> list[Move]:
        """Give the next that waits the slot behind the running ones, if it is free."""
        now = self._clock()
        able = self._slots.free and self._slots.prefilling is None
        first = self._queue.peek(now) if able else None
        if first is None or not self._slots.fits(first):  # for memory it waits as for a slot
            return []
        return self._begin(self._queue.pop(now))

    def _make_room(self) -> list[Move]:
        """Where all slots run, let the next in the queue in if it has the better claim to one."""
        now = self._clock()
        full = not self._slots.free and self._slots.prefilling is None
        first = self._queue.peek(now) if full else None
        victim = self._victim(first) if first is not None else None
        if first is None or victim is None or not self._slots.fits(first):
            return []
        first = self._queue.pop(now)
        moves = self._slots.give_up(victim, keep=True)
        victim.cached = 0
        self._queue.put_back(victim, now)
        self.preempted += 1
        return [*moves, *self._begin(first)]

    def _begin(self, sequence: Sequence) -> list[Move]:
        moves = self._slots.take(sequence)
        if sequence.started is None:
            sequence.started = time.monotonic()
            sequence.reused = sequence.cached
        return moves

    def _victim(self, first: Sequence) -> Sequence | None:
        """Return the running sequence that should wait for `first`, if there is one.

        One of a class behind it; or one of the tenant that holds the most, as long as that keeps
        twice what the tenant of `first` then has, so that two never take turns interrupting
        each other.
        """
        held = Counter(s.request.tenant for s in self._slots.running)

        def share(sequence: Sequence, more: int = 0) -> float:
            return (held[sequence.request.tenant] + more) / sequence.request.weight

        victim = max(self._slots.running, key=lambda s: (_rank(s), share(s), s.started or 0.0))
        if _rank(victim) != _rank(first):
            return victim if _rank(victim) > _rank(first) else None
        return victim if 2 * share(first, more=1) <= share(victim) else None


def _rank(sequence: Sequence) -> int:
    """Return the class a sequence counts as."""
    return 0 if sequence.aged else sequence.request.priority
