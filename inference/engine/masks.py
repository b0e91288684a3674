"""Additive attention masks from each row's positions.

Always additive floats in the model's dtype: eager attention adds its mask (a boolean one gave
wrong tokens), and scaled_dot_product_attention would convert a boolean one in every layer.
"""

from typing import Any

import torch
from torch import Tensor

from inference.engine.model_directory import LoadError

FULL = "full_attention"
SLIDING = "sliding_attention"


class Masks:
    """Builds what a model takes as `attention_mask`: a 4-D mask, or one for each layer type."""

    def __init__(self, config: Any, context: int, dtype: torch.dtype) -> None:
        """Read the layer types of a transformers text config. Raises LoadError on unknown ones."""
        self._kinds = _kinds(config)
        self._window = int(getattr(config, "sliding_window", None) or 0)
        self._keys = torch.arange(context)
        self._dtype = dtype
        self._zero = torch.zeros((), dtype=dtype)
        self._hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype)

    def build(self, positions: Tensor, length: int) -> Tensor | dict[str, Tensor]:
        """Return masks for queries at `positions` [B, Q] over keys 0…`length`-1: [B, 1, Q, K]."""
        keys = self._keys[:length]
        queries = positions[:, None, :, None]
        seen = keys <= queries
        masks = {kind: self._additive(seen, keys, queries, kind) for kind in self._kinds}
        return masks if len(masks) > 1 else masks[self._kinds[0]]

    def _additive(self, seen: Tensor, keys: Tensor, queries: Tensor, kind: str) -> Tensor:
        if kind == SLIDING:
            seen = seen & (keys > queries - self._window)
        return torch.where(seen, self._zero, self._hidden)


def _kinds(config: Any) -> list[str]:
    """Return the kinds of attention layers in the model, each once."""
    layer_types = getattr(config, "layer_types", None)
    if layer_types is None:
        sliding = getattr(config, "sliding_window", None) and getattr(
            config, "use_sliding_window", True
        )
        return [SLIDING if sliding else FULL]
    unknown = set(layer_types) - {FULL, SLIDING}
    if unknown:
        raise LoadError(f"layers of type {', '.join(sorted(unknown))} are not supported")
    return sorted(set(layer_types))
