"""Tier G: the fused forward of the Llama family in steps of fixed shapes, for CUDA devices.

Rows are filled up to a bucket with rows that write into a slot of their own, which nobody reads,
and read what lies where they are: what they compute is thrown away.
"""

from itertools import product
from typing import Final

import torch
from torch import Tensor

from inference.engine.fused import FusedDecoder, Where
from inference.engine.graphs.buckets import Buckets
from inference.engine.graphs.graphs import Graphs
from inference.engine.graphs.inputs import Inputs
from inference.engine.llama import Llama

SCRATCH_SLOTS: Final = 1
SHORTEST: Final = 256  # tokens; so few are little beside the weights
IDLE: Final = -1  # in place of a position: the row is nobody's


def made_in(row: int) -> int:
    """Return what stands for the token that was chosen last in a row, and is on the device."""
    return -1 - row


class GraphDecoder(FusedDecoder):
    """A decode is a copy of its inputs and one graph; prompts are written as tier B writes them."""

    def __init__(self, llama: Llama, *, slots: int, context: int) -> None:
        """Take the weights out of `llama` and stay where they are."""
        super().__init__(llama, slots=slots + SCRATCH_SLOTS, context=context)
        self._scratch = slots
        self._rows = Buckets(1, slots)
        self._lengths = Buckets(SHORTEST, context)  # that every row of a step reads
        self._inputs = Inputs(3, torch.long, self.device)  # tokens, slots, positions
        self._graphs = Graphs(self.device)
        self.chosen = torch.zeros(slots, dtype=torch.long, device=self.device)  # in each row
        shape = (slots, self.vocabulary_size)
        self._made = torch.zeros(shape, dtype=llama.dtype, device=self.device)

    def decode(self, tokens: list[int], positions: list[int]) -> Tensor:
        """Do what every decoder does; tokens may be `made_in` a row, and positions IDLE."""
        length = self._lengths.of(max(positions) + 1)
        self._run(tokens, positions, self._rows.of(len(tokens)), length)
        return self._made[: len(tokens)]

    def warm_up(self) -> None:
        for rows, length in product(self._rows, self._lengths):
            self._run([], [], rows, length)

    def _run(self, tokens: list[int], positions: list[int], rows: int, length: int) -> None:
        more = rows - len(tokens)
        at = positions + [IDLE] * more
        slots = [self._scratch if position == IDLE else row for row, position in enumerate(at)]
        self._inputs.write([tokens + [0] * more, slots, [max(0, position) for position in at]])
        self._graphs.run((rows, length), lambda: self._step(rows, length))

    def _step(self, rows: int, length: int) -> None:
        told, slots, at = self._inputs.of(rows)
        # What could not be chosen is no token either; what comes of it is thrown away.
        made = self.chosen[(-1 - told).clamp(min=0)].clamp(min=0)
        tokens = torch.where(told < 0, made, told)
        where = Where(
            slots,
            at,
            slice(0, rows),
            length,
            self._mask(at, length)[:, None, None],
            self._cosines[at][:, None],
            self._sines[at][:, None],
        )
        self._made[:rows] = self._logits(self._forward(tokens, where))
