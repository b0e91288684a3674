"""What slots hold in common, so that attention reads it once for all of them.

A slot's positions are taken in stretches of fixed length, as the kernels take them. A stretch that
was copied from another slot has that one's number until it is written over. Only copies count: two
requests whose texts happen to be the same share nothing here, as they may be different tenants'.
"""

from itertools import count

import torch


class Contents:
    """A number for each stretch of each slot; 0 where it may be anything."""

    def __init__(self, *, slots: int, stretches: int, length: int) -> None:
        """A slot has `stretches` whole ones of `length` positions."""
        self.numbers = torch.zeros(slots, stretches, dtype=torch.int64)
        self._length = length
        self._numbered = [0] * slots  # the first so many of a slot have numbers
        self._unused = count(1)

    def copied(self, source: int, target: int, length: int) -> None:
        """The first `length` positions of one slot were copied to another."""
        whole = length // self._length
        for stretch in range(self._numbered[source], whole):
            self.numbers[source, stretch] = next(self._unused)
        self._numbered[source] = max(self._numbered[source], whole)
        self.numbers[target] = 0
        self.numbers[target, :whole] = self.numbers[source, :whole]
        self._numbered[target] = whole

    def written(self, slot: int, start: int) -> None:
        """A slot is written from position `start` on."""
        first = start // self._length
        if first < self._numbered[slot]:
            self.numbers[slot, first:] = 0
            self._numbered[slot] = first
