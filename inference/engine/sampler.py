"""Next tokens from logits, for all rows of a step at once.

Greedy rows take the largest logit. Others look at their largest 64 logits first; a row whose
choice may lie beyond those is sorted in full (50 ms for 32 rows of 49,152, so as few as possible).
The choice is by inverse CDF over the row's probabilities in falling order, with a uniform number
from the request's own generator: the same seed gives the same token alone or in any batch.
"""

from collections.abc import Sequence as Rows

import torch
from torch import Tensor

from inference.engine.sequence import Sequence

SHORTLIST = 64
BAD_LOGITS = -1  # in place of a token: the row holds NaN or has no finite maximum


def sample(logits: Tensor, sequences: Rows[Sequence]) -> list[int]:
    """Return a token for each row of `logits` [B, V], or BAD_LOGITS."""
    largest, tokens = logits.max(-1)  # a NaN anywhere in a row is its max
    tokens = torch.where(torch.isfinite(largest), tokens, BAD_LOGITS)
    chosen: list[int] = tokens.tolist()
    drawn = [
        row
        for row, sequence in enumerate(sequences)
        if sequence.request.sampling.temperature > 0 and chosen[row] != BAD_LOGITS
    ]
    if drawn:
        picked = logits if len(drawn) == len(chosen) else logits[drawn]
        for row, token in zip(drawn, _draw(picked, [sequences[r] for r in drawn]), strict=True):
            chosen[row] = token
    return chosen


def _draw(logits: Tensor, sequences: list[Sequence]) -> list[int]:
    """Sample every row of `logits`; none of them is greedy."""
    settings = [sequence.request.sampling for sequence in sequences]
    vocabulary = logits.shape[-1]
    temperature = torch.tensor([s.temperature for s in settings])[:, None]
    top_k = torch.tensor([s.top_k or vocabulary for s in settings]).clamp(max=vocabulary)[:, None]
    top_p = torch.tensor([s.top_p for s in settings], dtype=torch.float64)[:, None]
    uniform = torch.tensor([s.uniforms.draw() for s in sequences], dtype=torch.float64)[:, None]

    size = min(SHORTLIST, vocabulary)
    values, candidates = logits.topk(size, -1)
    scores = values.float() / temperature
    complete = bool((top_k <= size).all())  # every row's candidates are all in the shortlist
    whole = scores if complete else logits.float() / temperature
    total = torch.where(top_k <= size, _log_mass(scores, top_k), whole.logsumexp(-1, keepdim=True))
    tokens, inside = _invert(scores, candidates, total, top_k, top_p, uniform)
    for row in (~inside).nonzero()[:, 0].tolist():
        values, candidates = logits[row : row + 1].float().sort(descending=True, stable=True)
        scores = values / temperature[row]
        total = _log_mass(scores, top_k[row])
        one = slice(row, row + 1)
        token, _ = _invert(scores, candidates, total, top_k[one], top_p[one], uniform[one])
        tokens[row] = token[0]
    result: list[int] = tokens.tolist()
    return result


def _log_mass(scores: Tensor, top_k: Tensor) -> Tensor:
    """Return the log of the summed exponentials of each row's first `top_k` scores: [B, 1]."""
    beyond = torch.arange(scores.shape[-1]) >= top_k
    return scores.masked_fill(beyond, -torch.inf).logsumexp(-1, keepdim=True)


def _invert(
    scores: Tensor,
    candidates: Tensor,
    total: Tensor,
    top_k: Tensor,
    top_p: Tensor,
    uniform: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return each row's token and whether it is certain, given its largest `scores` [B, N].

    `total` is the log mass of all that top-k leaves. Certain means that nothing beyond these N
    could have been chosen: the number drawn falls into their mass, and where top-p cuts, it cuts
    among them.
    """
    order = torch.arange(scores.shape[-1])
    probabilities = (scores - total).double().exp().masked_fill(order >= top_k, 0.0)
    mass = probabilities.cumsum(-1)
    # The nucleus: every token before which less than top_p was gathered; the first always.
    in_nucleus = ((mass - probabilities) < top_p) & (order < top_k)
    in_nucleus[:, 0] = True
    nucleus = torch.where(in_nucleus, probabilities, 0.0)
    within = nucleus.cumsum(-1)
    exhausted = scores.shape[-1] >= top_k
    cut_here = (mass[:, -1:] >= top_p) | exhausted
    kept = torch.where((top_p >= 1) & ~exhausted, 1.0, within[:, -1:])
    place = (within <= uniform * kept).sum(-1, keepdim=True)
    last = in_nucleus.sum(-1, keepdim=True) - 1
    inside = torch.where(top_p >= 1, (place <= last) | exhausted, cut_here)
    return candidates.gather(-1, torch.minimum(place, last))[:, 0], inside[:, 0]
