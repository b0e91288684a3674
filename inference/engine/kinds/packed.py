"""An encoder that reads texts one after the other in one row: nothing is padded.

Everything but attention treats each token by itself, so that a batch is one long row to it;
attention sees each text alone, those of the same length together.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv

from inference.engine.kinds.texts import Texts

PACKED: Final = "packed"
_LENGTHS: Final = "text_lengths"
# What this attention does not do; the model is then read padded.
_UNUSUAL: Final = ("position_bias", "softcap", "sliding_window", "s_aux")


def packed_attention(
    module: Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend within each text.

    `query`, `key`, `value` [1, heads, total, D] -> [1, total, heads, D].
    Raises NotImplementedError for attention of another sort.
    """
    if attention_mask is not None or any(kwargs.get(name) is not None for name in _UNUSUAL):
        raise NotImplementedError
    groups = query.shape[1] // key.shape[1]
    keys, values = repeat_kv(key, groups), repeat_kv(value, groups)
    causal = bool(getattr(module, "is_causal", False))
    outs = []
    start = 0
    for length, count in _runs(kwargs[_LENGTHS]):
        end = start + length * count
        q, k, v = (_apart(one[0, :, start:end], count, length) for one in (query, keys, values))
        out = scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scaling)
        outs.append(out.transpose(1, 2).flatten(0, 1))
        start = end
    return torch.cat(outs).unsqueeze(0), None


def _runs(lengths: list[int]) -> Iterator[tuple[int, int]]:
    for length, same in groupby(lengths):
        yield length, len(list(same))


def _apart(row: Tensor, count: int, length: int) -> Tensor:
    """[heads, count * length, D] -> [count, heads, length, D], without a copy."""
    heads, _, size = row.shape
    return row.view(heads, count, length, size).transpose(0, 1)


AttentionInterface.register(PACKED, packed_attention)


class PackedEncoder:
    """Hidden states of texts in one row. Positions count from `first_position` in each."""

    def __init__(self, model: Any, first_position: int) -> None:
        self._model = model
        self._first = first_position

    def hidden(self, texts: Texts) -> Tensor:
        """Return the last hidden state of every token, [total, hidden]."""
        positions = torch.cat([torch.arange(n) for n in texts.lengths]) + self._first
        options: dict[str, Any] = {_LENGTHS: texts.lengths}
        if texts.segments is not None:
            options["token_type_ids"] = texts.segments.unsqueeze(0)
        out = self._model(
            input_ids=texts.ids.unsqueeze(0), position_ids=positions.unsqueeze(0), **options
        )
        hidden: Tensor = out.last_hidden_state
        return hidden[0]
