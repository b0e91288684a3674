"""The choice of next tokens in graphs: what `choice.choose` chooses, without asking the host.

`choose` looks at numbers to compute no more than it must, and so waits for the device several
times. Here all that may be needed is computed, and token ids alone come back. A row whose choice
may lie beyond its shortlist says so, and `choice.draw` sorts that row.
"""

from collections.abc import Sequence as Rows
from itertools import product
from typing import Final, NamedTuple

import torch
from torch import Tensor

from inference.engine.choice import BAD_LOGITS, SHORTLIST, Choice, draw, invert, total_mass
from inference.engine.graphs.buckets import Buckets
from inference.engine.graphs.graphs import Graphs, Work
from inference.engine.graphs.inputs import Inputs
from inference.engine.largest import largest, top
from inference.engine.sequence import Sequence
from inference.engine.wire import Sampling

UNDECIDED: Final = -2  # in place of a token: the shortlist does not decide
_NOBODYS: Final = Sampling()


class Begun(NamedTuple):
    """A choice that the device is at."""

    logits: Tensor  # [B, V], as long as the choice keeps them
    tokens: Tensor  # [B], on their way to the host
    settings: list[Sampling]
    uniform: list[float]
    wait: Work  # until the tokens are there


def undecided(begun: Begun) -> list[int]:
    """Return the rows that the shortlist did not decide, once the tokens are there."""
    return [row for row, token in enumerate(begun.tokens.tolist()) if token == UNDECIDED]


class GraphChoice:
    """Chooses for at most as many rows at once as there is room for."""

    def __init__(self, chosen: Tensor, vocabulary: int, *, flights: int = 1) -> None:
        """Leave tokens in `chosen` [rows], and keep the logits of so many choices."""
        rows, device = len(chosen), chosen.device
        self._buckets = Buckets(1, rows)
        self._graphs = Graphs(device)
        self._inputs = Inputs(len(Told._fields), torch.float64, device)
        self._logits = [torch.zeros(rows, vocabulary, device=device) for _ in range(flights)]
        self._tokens = chosen
        self._turn = 0  # whose logits come next

    def __call__(self, logits: Tensor, sequences: Rows[Sequence]) -> list[int]:
        """Return a token for each row of `logits` [B, V], or BAD_LOGITS."""
        return self.finish(self.begin(logits, sequences))

    def begin(self, logits: Tensor, sequences: Rows[Sequence | None]) -> Begun:
        """Have tokens chosen, and wait for nothing. What is chosen for nobody means nothing."""
        count, self._turn = len(sequences), (self._turn + 1) % len(self._logits)
        rows, kept = self._buckets.of(count), self._logits[self._turn][:count]
        settings = [_NOBODYS if one is None else one.request.sampling for one in sequences]
        uniform = [one.uniforms.draw() if one and _draws(one) else 0.0 for one in sequences]
        kept.copy_(logits)
        self._inputs.write(_told(settings, uniform, rows))
        self._run(self._turn, rows, greedy=not any(one.temperature for one in settings))
        tokens = self._tokens[:count].to("cpu", non_blocking=True, copy=True)
        return Begun(kept, tokens, settings, uniform, self._graphs.mark())

    def finish(self, begun: Begun) -> list[int]:
        """Wait for the tokens; decide what is left to."""
        begun.wait()
        tokens: list[int] = begun.tokens.tolist()
        open_rows = undecided(begun)
        if open_rows:
            settings = [begun.settings[row] for row in open_rows]
            uniform = [begun.uniform[row] for row in open_rows]
            drawn = draw(begun.logits[open_rows], settings, uniform)
            for row, token in zip(open_rows, drawn, strict=True):
                tokens[row] = token
        return tokens

    def warm_up(self) -> None:
        """Capture every graph now."""
        for turn, rows, greedy in product(range(len(self._logits)), self._buckets, (False, True)):
            self._run(turn, rows, greedy=greedy)

    def _run(self, turn: int, rows: int, *, greedy: bool) -> None:
        self._graphs.run((turn, rows, greedy), lambda: self._step(turn, rows, greedy=greedy))

    def _step(self, turn: int, rows: int, *, greedy: bool) -> None:
        told = Told(*self._inputs.of(rows)[:, :, None])
        self._tokens[:rows] = chosen(self._logits[turn][:rows], None if greedy else told)


class Told(NamedTuple):
    """What is said of each row, in the order in which it travels; [B, 1], as float64."""

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor
    uniform: Tensor

    def choice(self, vocabulary: int) -> Choice:
        top_k = self.top_k.masked_fill(self.top_k == 0, vocabulary).clamp(max=vocabulary).long()
        return Choice(
            self.temperature.masked_fill(self.temperature == 0, 1.0).float(),
            top_k,
            self.top_p,
            self.min_p.float(),
            self.uniform,
            top_k == vocabulary,
        )


def _draws(one: Sequence) -> bool:
    return one.request.sampling.temperature > 0


def _told(settings: list[Sampling], uniform: list[float], rows: int) -> list[list[float]]:
    """Return the lists of Told for a bucket; the rows that fill it up are greedy."""
    more = [0.0] * (rows - len(settings))
    return [
        [one.temperature for one in settings] + more,
        [float(one.top_k) for one in settings] + more,
        [one.top_p for one in settings] + more,
        [one.min_p for one in settings] + more,
        uniform + more,
    ]


def chosen(logits: Tensor, told: Told | None) -> Tensor:
    """Return a token for each row of `logits` [B, V], BAD_LOGITS or UNDECIDED; None: all greedy."""
    values, tokens = largest(logits)
    if told is not None:
        tokens = torch.where(told.temperature[:, 0] > 0, _drawn(logits, told), tokens)
    return tokens.masked_fill(~torch.isfinite(values), BAD_LOGITS)


def _drawn(logits: Tensor, told: Told) -> Tensor:
    choice = told.choice(logits.shape[-1])
    values, candidates = top(logits, SHORTLIST)
    scores = values / choice.temperature
    choice = _cut_by_min_p(choice, scores, logits)
    total = total_mass(scores, candidates, logits, choice)
    tokens, certain = invert(scores, candidates, total, choice)
    return tokens.masked_fill(~certain, UNDECIDED)


def _cut_by_min_p(choice: Choice, scores: Tensor, logits: Tensor) -> Choice:
    """Return what choice._cut_by_min_p returns, counting in every row's whole vocabulary."""
    least = scores[:, :1] + choice.min_p.log()
    listed = (scores >= least).sum(-1, keepdim=True)
    whole = (logits / choice.temperature >= least).sum(-1, keepdim=True)
    left = torch.where(listed == scores.shape[-1], whole, listed)
    top_k = torch.where(choice.min_p > 0, torch.minimum(choice.top_k, left), choice.top_k)
    return choice._replace(top_k=top_k, whole=top_k == logits.shape[-1])
