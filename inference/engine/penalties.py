"""Repetition, presence and frequency penalties of all rows of a step at once.

As vLLM and OpenAI define them. Repetition (Keskar et al., "CTRL", 2019): the logit of a token that
occurs in the prompt or the completion is divided by the penalty where it is positive and multiplied
where it is negative. Then, for tokens that the completion holds: `frequency` times how often, and
`presence` once, are taken off.
"""

import torch
from torch import Tensor

from inference.engine.devices import ON_CPU
from inference.engine.sequence import Sequence
from inference.engine.wire import Sampling

_MIN_ROWS = 8


def is_penalised(sampling: Sampling) -> bool:
    """Return whether any of the three penalties changes anything."""
    return (
        sampling.repetition_penalty != 1.0
        or sampling.presence_penalty != 0.0
        or sampling.frequency_penalty != 0.0
    )


class Penalties:
    """The distinct tokens of each penalised request, and how often it has made each itself.

    A step touches as many logits as its requests have tokens, not the vocabulary: 32 rows of 500
    instead of 49,152. Rows are the table's own and not slots, so they stay where they are when a
    sequence moves, waits again, or shares its prompt's slot with another.
    """

    def __init__(self, device: torch.device = ON_CPU) -> None:
        """Hold the tables where the logits are that they are applied to."""
        self._device = device
        # [R, W]; a row's first `_count` hold
        self._tokens = torch.zeros(0, 0, dtype=torch.long, device=device)
        # [R, W]; 0: in the prompt alone
        self._made = torch.zeros(0, 0, dtype=torch.int32, device=device)
        self._count = torch.zeros(0, dtype=torch.long, device=device)  # [R]
        self._free: list[int] = []

    def apply(self, logits: Tensor, at: list[int], sequences: list[Sequence]) -> None:
        """Change the rows `at` of `logits` [B, V] in place, each for one of `sequences`."""
        rows = self._tensor([self._row(sequence) for sequence in sequences])
        sampling = [sequence.request.sampling for sequence in sequences]
        repetition = self._tensor([one.repetition_penalty for one in sampling])[:, None]
        presence = self._tensor([one.presence_penalty for one in sampling])[:, None]
        frequency = self._tensor([one.frequency_penalty for one in sampling])[:, None]
        tokens, made = self._held(rows)
        place = (self._tensor(at)[:, None], tokens)
        scores = logits[place]
        scores = torch.where(scores > 0, scores / repetition, scores * repetition)
        logits[place] = scores - (frequency * made + presence * (made > 0))

    def add(self, sequences: list[Sequence], tokens: Tensor) -> None:
        """Note the newest of `tokens` [B] of each sequence, all of which `apply` has seen."""
        rows = self._tensor([sequence.penalty_row for sequence in sequences])
        count = self._count[rows]
        width = int(count.max())
        same = self._tokens[rows, :width] == tokens[:, None]
        same &= torch.arange(width, device=self._device) < count[:, None]
        known, place = same.int().max(-1)
        place = torch.where(known > 0, place, count)
        self._tokens[rows, place] = tokens
        self._made[rows, place] += 1
        self._count[rows] += known == 0

    def release(self, sequence: Sequence) -> None:
        """Forget a sequence, which may never have been seen."""
        if sequence.penalty_row >= 0:
            self._free.append(sequence.penalty_row)
            sequence.penalty_row = -1

    def _held(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows' tokens and how often each was made, [B, W] both.

        Beyond a row's own they repeat its first, so that writing them twice changes nothing.
        """
        count = self._count[rows][:, None]
        width = int(count.max())
        own = torch.arange(width, device=self._device) < count
        tokens, made = self._tokens[rows, :width], self._made[rows, :width]
        return torch.where(own, tokens, tokens[:, :1]), torch.where(own, made, made[:, :1])

    def _tensor(self, numbers: list[int] | list[float]) -> Tensor:
        return torch.tensor(numbers, device=self._device)

    def _row(self, sequence: Sequence) -> int:
        if sequence.penalty_row < 0:
            sequence.penalty_row = self._begin(sequence)
        return sequence.penalty_row

    def _begin(self, sequence: Sequence) -> int:
        """Give a row to a sequence that is about to make its first token."""
        distinct = self._tensor(sorted({*sequence.request.prompt}))
        self._make_room(len(distinct) + sequence.request.max_tokens)
        row = self._free.pop()
        self._tokens[row, : len(distinct)] = distinct
        self._made[row] = 0
        self._count[row] = len(distinct)
        return row

    def _make_room(self, width: int) -> None:
        """Make sure that a row is free and that rows are `width` wide."""
        rows, widest = self._tokens.shape
        if self._free and width <= widest:
            return
        more = 0 if self._free else max(rows, _MIN_ROWS)
        wider = max(0, width - widest)
        self._tokens, self._made = (
            torch.nn.functional.pad(table, (0, wider, 0, more))
            for table in (self._tokens, self._made)
        )
        self._count = torch.nn.functional.pad(self._count, (0, more))
        self._free += range(rows, rows + more)
