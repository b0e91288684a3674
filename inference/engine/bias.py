"""What is added to single logits: a request's own bias, and minus infinity on what must not end it.

Every biased row's tokens are added in one operation, whatever their number.
"""

import torch
from torch import Tensor

from inference.engine.sequence import Sequence


def is_biased(sequence: Sequence) -> bool:
    """Return whether anything is ever added to the sequence's logits."""
    return bool(sequence.request.sampling.logit_bias) or sequence.request.min_tokens > 0


def add_bias(logits: Tensor, sequences: list[Sequence]) -> None:
    """Change `logits` [B, V] in place, a row for each of `sequences`."""
    rows: list[int] = []
    tokens: list[int] = []
    added: list[float] = []
    for row, sequence in enumerate(sequences):
        bias = _bias(sequence, logits.shape[-1])
        rows += [row] * len(bias)
        tokens += bias.keys()
        added += bias.values()
    if rows:
        place = tuple(torch.tensor(ids, device=logits.device) for ids in (rows, tokens))
        more = torch.tensor(added, dtype=logits.dtype, device=logits.device)
        logits.index_put_(place, more, accumulate=True)


def _bias(sequence: Sequence, vocabulary: int) -> dict[int, float]:
    """Return what is added now, token → number."""
    request = sequence.request
    if sequence.generated >= request.min_tokens:
        return request.sampling.logit_bias
    ending = (*sequence.eos_ids, *request.stop_token_ids)
    # A tokenizer may know an end of text that its model's output has no place for.
    masked = {token: -torch.inf for token in ending if token < vocabulary}
    return {**request.sampling.logit_bias, **masked}
