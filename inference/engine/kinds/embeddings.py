"""Embeddings: one vector a text, pooled and normalized as the model's own files say."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from torch import Tensor, nn
from transformers import AutoModel

from inference.engine.checkpoint import CheckpointError
from inference.engine.embedding_files import EmbeddingFiles
from inference.engine.kinds.checking import checked_texts, difference
from inference.engine.kinds.crew import Crew
from inference.engine.kinds.kind import Answer, Loading
from inference.engine.kinds.linears import Sped, with_fast_linears
from inference.engine.kinds.packed import PACKED, PackedEncoder
from inference.engine.kinds.padded import PaddedRows
from inference.engine.kinds.pooling import pooled
from inference.engine.kinds.reading import read_model
from inference.engine.kinds.texts import Texts, text_refusal, texts_of
from inference.engine.kinds.work import token_count
from inference.engine.model_directory import LoadError
from inference.engine.submission import Refusal
from inference.engine.task import EMBEDDINGS
from inference.engine.wire import Item, Tokens, Vector

BEST_BATCH: Final = 2048  # tokens: of a larger one two cores answer hardly more
_NOT_A_NUMBER: Final = Refusal("bad_output", "the model's output was not a number")


class Encoder(Protocol):
    """Hidden states of texts."""

    def hidden(self, texts: Texts) -> Tensor:
        """Return the last hidden state of every token, [total, hidden]."""


class Embeddings:
    """An embedding model."""

    best_batch = BEST_BATCH

    def __init__(
        self, encoder: Encoder, files: EmbeddingFiles, *, vocabulary: int, length: int
    ) -> None:
        self._encoder = encoder
        self._files = files
        self._vocabulary = vocabulary
        self._length = length
        self._crew = Crew()

    def refusal(self, item: Item) -> Refusal | None:
        return text_refusal(item, task=EMBEDDINGS, vocabulary=self._vocabulary, length=self._length)

    def size(self, item: Item) -> int:
        return token_count(item) if isinstance(item, Tokens) else 0

    def run(self, items: Sequence[Item]) -> list[Answer]:
        return self._crew.run(self._answers, items, [self.size(item) for item in items])

    def _answers(self, items: Sequence[Item]) -> list[Answer]:
        texts = texts_of(items)
        vectors = pooled(self._encoder.hidden(texts), texts.lengths, self._files.pooling).float()
        finite = vectors.isfinite().all(dim=1).tolist()
        wanted = [item.dimensions if isinstance(item, Tokens) else 0 for item in items]
        rows: dict[int, Any] = {size: self._cut(vectors, size) for size in set(wanted)}
        return [
            Vector(rows[size][n].tobytes()) if finite[n] else _NOT_A_NUMBER
            for n, size in enumerate(wanted)
        ]

    def _cut(self, vectors: Tensor, dimensions: int) -> Any:
        """Return the first `dimensions` of every vector, all for 0, as little-endian floats."""
        kept = vectors[:, :dimensions] if dimensions else vectors
        if self._files.normalize:
            kept = nn.functional.normalize(kept, dim=1)
        return kept.numpy().astype("<f4", copy=False)


def load(loading: Loading) -> Embeddings:
    """Return the model in the fastest form that gives what transformers gives."""
    try:
        files = EmbeddingFiles.read(loading.directory.path)
    except CheckpointError as error:
        raise LoadError(str(error)) from error
    length = loading.directory.context_length(loading.config.context_length)

    def answer(model: Any) -> Tensor:
        return PaddedRows(model).hidden(checked_texts(model, length))

    sped = with_fast_linears(lambda: _read(loading), answer, loading.log)
    return Embeddings(
        _fastest(sped, loading, length),
        files,
        vocabulary=sped.model.get_input_embeddings().num_embeddings,
        length=min(length, files.length or length),
    )


def _read(loading: Loading) -> Any:
    model = read_model(AutoModel, loading)
    # Without it an unused pooler of BERT's would run on every batch.
    if hasattr(model, "pooler"):
        model.pooler = None
    return model


def _fastest(sped: Sped, loading: Loading, length: int) -> Encoder:
    model, expected, linears = sped
    usual, texts = model.config._attn_implementation, checked_texts(model, length)
    why = ""
    for first in _first_positions(model):
        encoder = PackedEncoder(model, first)
        try:
            model.set_attn_implementation(PACKED)
            why = difference(encoder.hidden(texts), expected)
        except Exception as error:  # an architecture may refuse in any way: then it is padded
            why = type(error).__name__
        if not why:
            _note(loading, "A", f"{linears}, nothing padded; equal to transformers")
            return encoder
    model.set_attn_implementation(usual)
    why = why or "no position ids"
    _note(loading, "B", f"{linears}, rows of like length (packing gave: {why})")
    return PaddedRows(model)


def _first_positions(model: Any) -> list[int]:
    """Return where position ids may begin: at 0, or as RoBERTa's do behind the padding's id."""
    padding = getattr(model.config, "pad_token_id", None)
    return [0] if padding is None else [0, padding + 1]


def _note(loading: Loading, tier: str, how: str) -> None:
    loading.statistics.tier = tier
    loading.statistics.detail = how
    loading.log.event("verified", tier=tier, detail=how)
