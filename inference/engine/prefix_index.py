"""What the cache still holds of requests that ended, and who may read it.

A reader learns from the time its prompt takes whether somebody had asked the same before
(CVE-2025-46570). So keys and values are reused within a tenant only, and across tenants only as
far as a prompt repeats one that the operator marked as shared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from inference.engine.sequence import Sequence
from inference.engine.sliding import Sliding


@dataclass(slots=True)
class Kept:
    """Tokens whose keys and values lie at the beginning of a slot that nobody runs in."""

    tokens: list[int]
    tenant: str
    used: int  # larger is later
    oldest: int = 0  # the first position of which sliding layers hold anything


class Match(NamedTuple):
    """The first `length` tokens of a prompt lie at the beginning of `slot`."""

    slot: int
    length: int  # tokens
    oldest: int = 0  # the first position of which sliding layers hold anything


class PrefixIndex:
    """Knows every slot's beginning; forgets what was used least recently."""

    def __init__(self, shared: Iterable[list[int]] = (), sliding: Sliding | None = None) -> None:
        """`shared` are the token ids of prompts that every tenant may reuse."""
        self._shared = list(shared)
        self._sliding = sliding
        self._kept: dict[int, Kept] = {}
        self._clock = 0

    def keep(self, slot: int, tokens: list[int], tenant: str, oldest: int = 0) -> None:
        """Note that `slot` begins with `tokens`; what holds only their beginning is of no use."""
        if not tokens:
            return
        for other, kept in list(self._kept.items()):
            begins = kept.tenant == tenant and kept.tokens == tokens[: len(kept.tokens)]
            if begins and self._serves(len(kept.tokens), oldest):
                del self._kept[other]
        self._kept[slot] = Kept(tokens, tenant, self._now(), oldest)

    def oldest(self, sequence: Sequence, more: int = 0) -> int:
        """Return the first position that a sequence's slot holds, `more` tokens from now."""
        if self._sliding is None:
            return 0
        return max(sequence.oldest, self._sliding.oldest(sequence.cached + more))

    def drop(self, slot: int) -> Kept | None:
        """Forget a slot and return what was known of it."""
        return self._kept.pop(slot, None)

    def shift(self, kept: Kept, slot: int) -> None:
        """Note that what was kept elsewhere lies in `slot` now."""
        self._kept[slot] = kept

    def clear(self) -> None:
        self._kept.clear()

    def coldest(self, slots: Iterable[int]) -> int:
        """Return the slot that holds nothing, or what was used least recently."""
        return min(slots, key=lambda slot: kept.used if (kept := self._kept.get(slot)) else 0)

    def longest(self, sequence: Sequence, running: Iterable[Sequence]) -> Match | None:
        """Return where most of a sequence's tokens are; `running` may be read from as well.

        At least one token is always left to compute: its logits choose the next one.
        """
        tokens, tenant = sequence.tokens[:-1], sequence.request.tenant
        open_to_all = max((common(tokens, shared) for shared in self._shared), default=0)
        best = Match(-1, 0)
        for slot, owner, known, oldest in self._known(running):
            length = common(tokens, known)
            if owner != tenant:
                length = min(length, open_to_all)
            if length > best.length and self._serves(length, oldest):
                best = Match(slot, length, oldest)
        if best.slot in self._kept:
            self._kept[best.slot].used = self._now()
        return best if best.length else None

    def _known(self, running: Iterable[Sequence]) -> Iterable[tuple[int, str, list[int], int]]:
        for slot, kept in self._kept.items():
            yield slot, kept.tenant, kept.tokens, kept.oldest
        for other in running:
            known = other.tokens[: other.cached]
            # Before a copy is made, the step that it belongs to may write one token more.
            yield other.slot, other.request.tenant, known, self.oldest(other, more=1)

    def _serves(self, length: int, oldest: int) -> bool:
        return self._sliding is None or self._sliding.serves(length, oldest)

    def _now(self) -> int:
        self._clock += 1
        return self._clock


def common(a: list[int], b: list[int]) -> int:
    """Return how many tokens two lists have in common at their beginning."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while high - low > 1:  # a[:low] == b[:low], a[:high] != b[:high]
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low
