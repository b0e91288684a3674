"""Texts in rows of like length, the shorter ones padded: what every model of transformers reads."""

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor

from inference.engine.kinds.texts import Texts

# A row at most this much longer than the shortest beside it: padding is work for nothing, and so
# are many small batches.
_SLACK: Final = 1.15


class PaddedRows:
    """Runs a model on rows; used where texts cannot be packed, and to check what is packed."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def hidden(self, texts: Texts) -> Tensor:
        """Return the last hidden state of every token, [total, hidden]."""
        outs: list[Tensor] = []
        for rows, count in self._rows(texts):
            state = self._model(**rows).last_hidden_state
            outs += [state[n, :length] for n, length in enumerate(count)]
        return torch.cat(outs)

    def logits(self, texts: Texts) -> Tensor:
        """Return what a classifier says of every text, [texts, labels]."""
        return torch.cat([self._model(**rows).logits for rows, _ in self._rows(texts)])

    def _rows(self, texts: Texts) -> Iterator[tuple[dict[str, Tensor], list[int]]]:
        """Yield the model's arguments, and each row's length; `texts` are sorted by length."""
        slices = texts.slices()
        for start, end in _groups(texts.lengths):
            lengths = texts.lengths[start:end]
            rows = {"input_ids": _stacked(texts.ids, slices[start:end])}
            if texts.segments is not None:
                rows["token_type_ids"] = _stacked(texts.segments, slices[start:end])
            if lengths[0] != lengths[-1]:
                ones = torch.ones_like(texts.ids)
                rows["attention_mask"] = _stacked(ones, slices[start:end])
            yield rows, lengths


def _stacked(values: Tensor, slices: list[slice]) -> Tensor:
    rows = [values[where] for where in slices]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _groups(lengths: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for n, length in enumerate(lengths):
        if length > lengths[start] * _SLACK:
            yield start, n
            start = n
    yield start, len(lengths)
