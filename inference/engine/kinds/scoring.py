"""Moderation and rerank: transformers' sequence classifiers, over texts or pairs of texts."""

import json
from collections.abc import Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, Final

from torch import Tensor
from transformers import AutoModelForSequenceClassification

from inference.engine.kinds.checking import checked_texts
from inference.engine.kinds.crew import Crew
from inference.engine.kinds.kind import Answer, Loading
from inference.engine.kinds.linears import with_fast_linears
from inference.engine.kinds.padded import PaddedRows
from inference.engine.kinds.reading import read_model
from inference.engine.kinds.texts import text_refusal, texts_of
from inference.engine.kinds.work import token_count
from inference.engine.submission import Refusal
from inference.engine.task import MODERATION, RERANK, Task
from inference.engine.text_length import text_length
from inference.engine.wire import Item, Label, Labels, Tokens

BEST_BATCH: Final = 2048  # tokens: of a larger one two cores answer hardly more
_NOT_A_NUMBER: Final = Refusal("bad_output", "the model's output was not a number")


class Scoring:
    """A model that gives a text, or a pair, a score for each of its labels."""

    best_batch = BEST_BATCH

    def __init__(self, model: Any, task: Task, length: int, *, tells_apart: bool) -> None:
        """`tells_apart`: whether it is told which text of a pair each token is of."""
        self._rows = PaddedRows(model)
        self._task = task
        self._length = length
        self._crew = Crew()
        self._tells_apart = tells_apart
        self._vocabulary: int = model.get_input_embeddings().num_embeddings
        labels: dict[int, str] = model.config.id2label
        self._names = [str(labels[n]) for n in range(len(labels))]
        kind = model.config.problem_type
        # One label is a yes or no of its own, and so is each where several may hold at once.
        self._apart = len(labels) == 1 or kind == "multi_label_classification"

    def refusal(self, item: Item) -> Refusal | None:
        return text_refusal(item, task=self._task, vocabulary=self._vocabulary, length=self._length)

    def size(self, item: Item) -> int:
        return token_count(item) if isinstance(item, Tokens) else 0

    def run(self, items: Sequence[Item]) -> list[Answer]:
        return self._crew.run(self._answers, items, [self.size(item) for item in items])

    def _answers(self, items: Sequence[Item]) -> list[Answer]:
        texts = texts_of(items)
        if not self._tells_apart:
            texts = texts._replace(segments=None)
        logits = self._rows.logits(texts).float()
        scores = logits.sigmoid() if self._apart else logits.softmax(dim=1)
        return [self._labels(row) for row in scores]

    def _labels(self, scores: Tensor) -> Answer:
        if not scores.isfinite().all():
            return _NOT_A_NUMBER
        named = zip(self._names, scores.tolist(), strict=True)
        return Labels(sorted((Label(*one) for one in named), key=lambda one: -one.score))


def load(loading: Loading, task: Task) -> Scoring:
    """Return the classifier. Raises LoadError."""
    length = loading.config.context_length
    length = min(length, text_length(loading.directory.config) or length)

    def read() -> Any:
        return read_model(AutoModelForSequenceClassification, loading)

    def answer(model: Any) -> Tensor:
        return PaddedRows(model).logits(checked_texts(model, length))

    model, _, linears = with_fast_linears(read, answer, loading.log)
    loading.statistics.tier = "B"
    loading.statistics.detail = f"{linears}, rows of like length"
    apart = _tells_apart(model, loading.directory.path)
    return Scoring(model, task, length, tells_apart=apart)


def _tells_apart(model: Any, directory: Path) -> bool:
    """Return whether architecture and tokenizer agree that tokens of a pair are told apart."""
    if "token_type_ids" not in signature(model.forward).parameters:
        return False
    if getattr(model.config, "type_vocab_size", 0) < 2:
        return False
    file = directory / "tokenizer_config.json"
    listed = json.loads(file.read_bytes()).get("model_input_names") if file.is_file() else None
    return not isinstance(listed, list) or "token_type_ids" in listed


load_moderation: Final = partial(load, task=MODERATION)
load_rerank: Final = partial(load, task=RERANK)
