"""From hidden states to one vector a text."""

import torch
from torch import Tensor

from inference.engine.embedding_files import Pooling


def pooled(hidden: Tensor, lengths: list[int], pooling: Pooling) -> Tensor:
    """`hidden` [total, H], texts one after the other -> [texts, H]."""
    counts = torch.tensor(lengths)
    ends = counts.cumsum(0)
    match pooling:
        case "cls":
            return hidden[ends - counts]
        case "lasttoken":
            return hidden[ends - 1]
        case "mean":
            return torch.segment_reduce(hidden.float(), "mean", lengths=counts, axis=0)
