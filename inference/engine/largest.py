"""The largest logits of each row, found by chunks.

torch finds a row's maximum several times as fast without its place as with it, and its top-k is
slow over a vocabulary. So the maximum of each chunk comes first, and only chunks that can hold what
is sought are looked into.
"""

import torch
from torch import Tensor

CHUNK = 64


def largest(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row's largest of `logits` [B, V], as float32, and the first place that has it.

    A NaN anywhere in a row is its largest.
    """
    if logits.shape[-1] % CHUNK:
        values, places = logits.float().max(-1)
        return values, places
    chunks = logits.float().view(len(logits), -1, CHUNK)
    values, chunk = chunks.amax(-1).max(-1)
    within = chunks[torch.arange(len(logits), device=logits.device), chunk].argmax(-1)
    return values, chunk * CHUNK + within


def top(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return each row's `count` largest of `logits` [B, V] in falling order, and their places.

    None is NaN. Equal ones come in any order, the same for the same row.
    """
    if logits.shape[-1] % CHUNK or logits.shape[-1] < CHUNK * count:
        values, places = logits.topk(min(count, logits.shape[-1]), -1)
        return values, places
    chunks = logits.view(len(logits), -1, CHUNK)
    _, best = chunks.amax(-1).topk(count, -1)
    candidates = chunks.gather(-2, best[..., None].expand(-1, -1, CHUNK)).flatten(-2)
    values, within = candidates.topk(count, -1)
    chunk = best.gather(-1, within // CHUNK)
    return values, chunk * CHUNK + within % CHUNK
