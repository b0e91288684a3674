"""The choice of next tokens among logits, for all rows of a step at once.

Greedy rows take the largest logit. Others look at their largest 64 logits first; a row whose
choice may lie beyond those is sorted in full (50 ms for 32 rows of 49,152, so as few as possible).
The choice is by inverse CDF over the row's probabilities in falling order, with a uniform number
from the request's own generator: the same seed gives the same token alone or in any batch.

As in vLLM, temperature comes first, then min-p, top-k and top-p, each on what the former left.
"""

from collections.abc import Callable
from collections.abc import Sequence as Rows
from typing import NamedTuple

import torch
from torch import Tensor

from inference.engine.largest import largest, top
from inference.engine.sequence import Sequence
from inference.engine.wire import Sampling

SHORTLIST = 64
BAD_LOGITS = -1  # in place of a token: the row holds NaN or has no finite maximum


Choose = Callable[[Tensor, Rows[Sequence]], list[int]]


def choose(logits: Tensor, sequences: Rows[Sequence]) -> list[int]:
    """Return a token for each row of `logits` [B, V], or BAD_LOGITS."""
    values, tokens = largest(logits)
    tokens = torch.where(torch.isfinite(values), tokens, BAD_LOGITS)
    chosen: list[int] = tokens.tolist()
    drawn = [
        row
        for row, sequence in enumerate(sequences)
        if sequence.request.sampling.temperature > 0 and chosen[row] != BAD_LOGITS
    ]
    if drawn:
        picked = logits if len(drawn) == len(chosen) else logits[drawn]
        settings = [sequences[row].request.sampling for row in drawn]
        uniform = [sequences[row].uniforms.draw() for row in drawn]
        for row, token in zip(drawn, draw(picked, settings, uniform), strict=True):
            chosen[row] = token
    return chosen


def draw(logits: Tensor, settings: list[Sampling], uniform: list[float]) -> list[int]:
    """Sample every row of `logits` by its number of `uniform`; none of them is greedy."""
    choice = Choice.of(settings, uniform, logits)
    logits = logits.float()
    values, candidates = top(logits, SHORTLIST)
    scores = values / choice.temperature
    choice = _cut_by_min_p(choice, scores, logits)
    total = _total(scores, candidates, logits, choice)
    tokens, certain = invert(scores, candidates, total, choice)
    rows = (~certain).nonzero()[:, 0]
    if len(rows):
        tokens[rows] = _draw_from_all(logits[rows], candidates[rows], choice.rows(rows))
    result: list[int] = tokens.tolist()
    return result


class Choice(NamedTuple):
    """How rows are to be sampled, each [B, 1]; `uniform` is the number drawn for the row."""

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor
    uniform: Tensor
    whole: Tensor  # top_k leaves the whole vocabulary

    @classmethod
    def of(cls, settings: list[Sampling], uniform: list[float], logits: Tensor) -> "Choice":
        """Return how each row of `logits` [B, V] is to be sampled."""
        vocabulary, device = logits.shape[-1], logits.device
        top_k = [min(s.top_k or vocabulary, vocabulary) for s in settings]
        return cls(
            torch.tensor([s.temperature for s in settings], device=device)[:, None],
            torch.tensor(top_k, device=device)[:, None],
            torch.tensor([s.top_p for s in settings], dtype=torch.float64, device=device)[:, None],
            torch.tensor([s.min_p for s in settings], device=device)[:, None],
            torch.tensor(uniform, dtype=torch.float64, device=device)[:, None],
            torch.tensor([k == vocabulary for k in top_k], device=device)[:, None],
        )

    def rows(self, rows: Tensor) -> "Choice":
        return Choice(*(values[rows] for values in self))


def _cut_by_min_p(choice: Choice, scores: Tensor, logits: Tensor) -> Choice:
    """Return `choice` with min-p as what it comes to: a top-k of as many tokens as it leaves.

    It leaves the tokens at least `min_p` times as likely as the likeliest: the first so many of
    the shortlist's falling `scores`, or of the whole row where the list ends before they do.
    """
    cuts = choice.min_p > 0
    if not bool(cuts.any()):
        return choice
    least = scores[:, :1] + choice.min_p.log()
    left = torch.where(cuts, (scores >= least).sum(-1, keepdim=True), logits.shape[-1])
    rows = (left[:, 0] == scores.shape[-1]).nonzero()[:, 0]
    if len(rows):
        whole = logits[rows] / choice.temperature[rows]
        left[rows] = (whole >= least[rows]).sum(-1, keepdim=True)
    top_k = torch.minimum(choice.top_k, left)
    return choice._replace(top_k=top_k, whole=top_k == logits.shape[-1])


def _draw_from_all(logits: Tensor, shortlist: Tensor, choice: Choice) -> Tensor:
    """Sample rows from the whole vocabulary in falling order, the shortlist's order kept.

    Kept, because equal logits have no order of their own, and a token that the shortlist left
    out must come after all that it held.
    """
    others = logits.scatter(-1, shortlist, -torch.inf)
    count = logits.shape[-1] - shortlist.shape[-1]
    _, rest = others.sort(descending=True, stable=True)
    order = torch.cat([shortlist, rest[:, :count]], -1)
    scores = logits.gather(-1, order) / choice.temperature
    tokens, _ = invert(scores, order, _log_mass(scores, choice.top_k), choice)
    return tokens


def _total(scores: Tensor, candidates: Tensor, logits: Tensor, choice: Choice) -> Tensor:
    """Return the log mass [B, 1] that top-k leaves, given the shortlist's `scores`."""
    if bool((choice.top_k <= scores.shape[-1]).all()):
        return _log_mass(scores, choice.top_k)
    return total_mass(scores, candidates, logits, choice)


def total_mass(scores: Tensor, candidates: Tensor, logits: Tensor, choice: Choice) -> Tensor:
    """Return the same where the list may end before top-k does."""
    listed = choice.top_k <= scores.shape[-1]
    # What log_softmax takes off every score is the log of their mass; logsumexp is slower.
    logarithms = (logits / choice.temperature).log_softmax(-1)
    whole = scores[:, :1] - logarithms.gather(-1, candidates[:, :1])
    return torch.where(listed, _log_mass(scores, choice.top_k), whole)


def _log_mass(scores: Tensor, top_k: Tensor) -> Tensor:
    """Return the log of the summed exponentials of each row's first `top_k` scores: [B, 1]."""
    beyond = torch.arange(scores.shape[-1], device=scores.device) >= top_k
    return scores.masked_fill(beyond, -torch.inf).logsumexp(-1, keepdim=True)


def invert(
    scores: Tensor, candidates: Tensor, total: Tensor, choice: Choice
) -> tuple[Tensor, Tensor]:
    """Return each row's token and whether it is certain, given its largest `scores` [B, N].

    `total` is the log mass of all that top-k leaves. Certain means that nothing beyond these N
    changes the choice: top-k ends among them, or top-p does, or, where neither cuts, the number
    drawn falls into their mass.
    """
    top_k, top_p, whole = choice.top_k, choice.top_p, choice.whole
    order = torch.arange(scores.shape[-1], device=scores.device)
    probabilities = (scores - total).double().exp().masked_fill(order >= top_k, 0.0)
    mass = probabilities.cumsum(-1)
    # The nucleus: every token before which less than top_p was gathered; the first always.
    in_nucleus = ((mass - probabilities) < top_p) & (order < top_k) | (order == 0)
    # No torch.where with a number: it copies the number to a card, and a graph allows no such copy.
    within = (probabilities * in_nucleus).cumsum(-1)
    exhausted = scores.shape[-1] >= top_k
    unbounded = (top_p >= 1) & ~exhausted
    kept = within[:, -1:].masked_fill(unbounded, 1.0)
    place = (within <= choice.uniform * kept).sum(-1, keepdim=True)
    last = in_nucleus.sum(-1, keepdim=True) - 1
    # A top-k beyond the list makes `total` too large, so nothing is certain about such a row.
    beyond = ~exhausted & ~whole
    certain = torch.where(unbounded, place <= last, exhausted | (mass[:, -1:] >= top_p)) & ~beyond
    return candidates.gather(-1, torch.minimum(place, last))[:, 0], certain[:, 0]
