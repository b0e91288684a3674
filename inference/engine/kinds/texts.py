"""Texts as the wire carries them, as tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy
import torch
from torch import Tensor

from inference.engine.kinds.work import token_count
from inference.engine.submission import Refusal
from inference.engine.wire import Item, Tokens

_ID = numpy.dtype("<i4")


class Texts(NamedTuple):
    """Token ids of several texts one after the other, and how long each is."""

    ids: Tensor  # [total], int64
    segments: Tensor | None  # [total]; None: no text is a pair
    lengths: list[int]

    def slices(self) -> list[slice]:
        """Return where each text lies."""
        ends = numpy.cumsum(self.lengths).tolist()
        return [slice(end - n, end) for n, end in zip(self.lengths, ends, strict=True)]


def texts_of(items: Sequence[Item]) -> Texts:
    """Return `items`, all of which are texts."""
    texts = [item for item in items if isinstance(item, Tokens)]
    lengths = [token_count(text) for text in texts]
    ids = numpy.frombuffer(b"".join(text.ids for text in texts), _ID).astype(numpy.int64)
    pairs = any(text.segments for text in texts)
    segments = b"".join(text.segments or bytes(n) for text, n in zip(texts, lengths, strict=True))
    of_pairs = numpy.frombuffer(segments, numpy.uint8).astype(numpy.int64) if pairs else None
    return Texts(
        torch.from_numpy(ids), None if of_pairs is None else torch.from_numpy(of_pairs), lengths
    )


def text_refusal(item: Item, *, task: str, vocabulary: int, length: int) -> Refusal | None:
    """Return why `item` is no text of at most `length` tokens of this vocabulary, or None."""
    if not isinstance(item, Tokens):
        return Refusal("wrong_task", f"this model does {task}, which takes text")
    count = token_count(item)
    if not count or len(item.ids) % _ID.itemsize or len(item.segments) not in (0, count):
        return Refusal("invalid_prompt", "an input is empty or cut short")
    if count > length:
        detail = f"an input has {count} tokens; the model takes at most {length}"
        return Refusal("context_length_exceeded", detail)
    ids = numpy.frombuffer(item.ids, _ID)
    if ids.min() < 0 or ids.max() >= vocabulary or max(item.segments, default=0) > 1:
        return Refusal("invalid_prompt", f"an input holds a token id outside 0 to {vocabulary - 1}")
    return None
