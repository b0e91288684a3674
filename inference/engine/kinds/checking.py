"""Whether a faster form of a model gives what transformers gives: both read the same texts."""

from typing import Any, Final

import torch
from torch import Tensor

from inference.engine.kinds.texts import Texts

_LENGTHS: Final = (1, 2, 2, 5, 9, 9, 14)


def checked_texts(model: Any, length: int) -> Texts:
    """Return a few texts of random tokens, none longer than `length`; the same each time."""
    lengths = [min(one, length) for one in _LENGTHS]
    generator = torch.Generator().manual_seed(0)
    vocabulary = model.get_input_embeddings().num_embeddings
    # The first ids are special ones, padding among them.
    least = min(10, vocabulary - 1)
    ids = torch.randint(least, vocabulary, (sum(lengths),), generator=generator)
    return Texts(ids, None, lengths)


def difference(got: Tensor, expected: Tensor) -> str:
    """Return how far apart the two are, or nothing if they are equal but for rounding."""
    tolerance = 1e-4 if got.dtype == torch.float32 else 5e-2
    scale = expected.abs().max().item() or 1.0
    apart = (got - expected).abs().max().item() / scale
    return "" if apart <= tolerance else f"a difference of {apart:.1e}"
