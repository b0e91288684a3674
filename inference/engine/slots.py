"""Which sequence sits in which slot of the cache, and what the others still hold."""

from typing import NamedTuple

from inference.engine.headroom import Headroom
from inference.engine.prefix_index import Kept, PrefixIndex
from inference.engine.sequence import Sequence


class Move(NamedTuple):
    """Copy the first `length` tokens of slot `source` over slot `target`."""

    source: int
    target: int
    length: int


class Slots:
    """Running sequences in slots 0…B-1, one half-written prompt, if any, in slot B.

    So the batch's keys and values are a view of the cache and never gathered, at the price of
    moving the last sequence into a slot that becomes free. The slots behind keep what ended.
    """

    def __init__(
        self, *, bound: int, total: int, prefixes: PrefixIndex, headroom: Headroom
    ) -> None:
        """Run at most `bound` sequences at once in the `total` slots of the cache."""
        self.running: list[Sequence] = []
        self.prefilling: Sequence | None = None
        self._bound = bound
        self._total = total
        self._prefixes = prefixes
        self._headroom = headroom

    @property
    def used(self) -> int:
        return len(self.running) + (self.prefilling is not None)

    @property
    def free(self) -> int:
        return self._bound - self.used

    def fits(self, sequence: Sequence) -> bool:
        """Return whether there is memory for all that it and the running ones may yet write."""
        target = min(len(self.running), self._bound - 1)
        own = self._headroom.growth(target, sequence.bound)
        promised = sum(self._headroom.growth(s.slot, s.bound) for s in self.running)
        return not own or self._headroom.allows(own + promised)

    def take(self, sequence: Sequence) -> list[Move]:
        """Make `sequence` the half-written prompt; return the copies that bring what is known.

        Sets how many of its tokens are cached.
        """
        target = len(self.running)
        match = self._prefixes.longest(sequence, self.running)
        moves = self._evacuate(target, match.length if match and match.slot == target else 0)
        if match is not None and match.slot != target:
            moves.append(self._copied(match.slot, target, match.length))
        self.prefilling = sequence
        sequence.slot = target
        sequence.cached = match.length if match else 0
        sequence.oldest = match.oldest if match else 0
        return moves

    def begin_decoding(self) -> None:
        """The half-written prompt is complete and runs from the next step on."""
        assert self.prefilling is not None
        self.running.append(self.prefilling)
        self.prefilling = None

    def give_up(self, sequence: Sequence, *, keep: bool) -> list[Move]:
        """Take a sequence out of its slot; return the copies that close the gap, in order.

        With `keep`, what it computed stays for others to begin with.
        """
        slot, sequence.slot = sequence.slot, -1
        self._headroom.note(slot, sequence.written)
        self._keep(sequence, slot, keep=keep)
        if sequence is self.prefilling:
            self.prefilling = None
            return []
        last = self.running.pop()
        if last is sequence and self.prefilling is None:
            return []
        moves = self._save(slot)
        if last is not sequence:
            self.running[slot] = last
            moves.append(self._moved(last, slot))
        if self.prefilling is not None:
            moves.append(self._moved(self.prefilling, len(self.running)))
        return moves

    def forget(self) -> None:
        """Trust nothing that is kept any more."""
        self._prefixes.clear()

    def _evacuate(self, slot: int, reused: int) -> list[Move]:
        """Bring what `slot` holds to a colder place before it is overwritten behind `reused`."""
        kept = self._prefixes.drop(slot)
        if kept is None or len(kept.tokens) <= reused:
            return []
        return self._place(kept, slot, range(slot + 1, self._total))

    def _keep(self, sequence: Sequence, slot: int, *, keep: bool) -> None:
        """Note what a sequence left in its slot."""
        tokens = sequence.tokens[: sequence.cached] if keep else []
        oldest = self._prefixes.oldest(sequence)
        self._prefixes.keep(slot, tokens, sequence.request.tenant, oldest)

    def _save(self, slot: int) -> list[Move]:
        """Bring what a slot held to another; it is overwritten next, `running` is one shorter."""
        kept = self._prefixes.drop(slot)
        # Neither the slot of the last sequence nor that of the half-written prompt is free yet.
        behind = range(len(self.running) + 1 + (self.prefilling is not None), self._total)
        return [] if kept is None else self._place(kept, slot, behind)

    def _place(self, kept: Kept, source: int, places: range) -> list[Move]:
        """Copy what was kept over the coldest of `places`, unless that is more recent."""
        if not places:
            return []
        target = self._prefixes.coldest(places)
        if not self._headroom.allows(self._headroom.growth(target, len(kept.tokens))):
            return []
        colder = self._prefixes.drop(target)
        if colder is not None and colder.used > kept.used:
            self._prefixes.shift(colder, target)
            return []
        self._prefixes.shift(kept, target)
        return [self._copied(source, target, len(kept.tokens))]

    def _moved(self, sequence: Sequence, target: int) -> Move:
        self._headroom.note(sequence.slot, sequence.written)
        move = self._copied(sequence.slot, target, sequence.written)
        sequence.slot = target
        return move

    def _copied(self, source: int, target: int, length: int) -> Move:
        self._headroom.note(target, length)
        return Move(source, target, length)
