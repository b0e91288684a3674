"""Additive attention masks from each row's positions.

Always additive floats in the model's dtype: eager attention adds its mask (a boolean one gave
wrong tokens), and scaled_dot_product_attention would convert a boolean one in every layer.
"""

from typing import Any

import torch
from torch import Tensor

from inference.engine.sliding import SLIDING, layer_kinds, sliding_of


class Masks:
    """Builds what a model takes as `attention_mask`: a 4-D mask, or one for each layer type."""

    def __init__(self, config: Any, context: int, dtype: torch.dtype, device: torch.device) -> None:
        """Read the layer types of a transformers text config. Raises LoadError on unknown ones."""
        self._kinds = sorted(set(layer_kinds(config)))
        self._window = int(getattr(config, "sliding_window", None) or 0)
        sliding = sliding_of(config, context)
        self._ring = sliding.kept if sliding else context
        self._keys = torch.arange(context, device=device)
        self._dtype = dtype
        self._zero = torch.zeros((), dtype=dtype, device=device)
        self._hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype, device=device)

    def build(self, positions: Tensor, length: int) -> Tensor | dict[str, Tensor]:
        """Return masks for queries at `positions` [B, Q], Q in order: [B, 1, Q, K].

        The keys are those of positions 0…`length`-1; in a sliding layer's ring, its whole length.
        """
        queries = positions[:, None, :, None]
        masks = {kind: self._additive(queries, length, kind) for kind in self._kinds}
        return masks if len(masks) > 1 else masks[self._kinds[0]]

    def _additive(self, queries: Tensor, length: int, kind: str) -> Tensor:
        if kind == SLIDING:
            keys = self._held(queries[:, :, -1:], min(length, self._ring))
            seen = (keys >= 0) & (keys <= queries) & (keys > queries - self._window)
        else:
            seen = self._keys[:length] <= queries
        return torch.where(seen, self._zero, self._hidden)

    def _held(self, newest: Tensor, length: int) -> Tensor:
        """Return the position at each place of a ring once `newest` is written; < 0: none."""
        return newest - (newest - self._keys[:length]) % self._ring
