"""Vectors equal those that transformers gives for each text alone, whatever it is batched with."""

import random
from pathlib import Path
from typing import Any, Final

import numpy
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from inference.engine.task import EMBEDDINGS
from inference.engine.wire import Vector
from tests.default_model import default_model_directory
from tests.engine.kinds.loaded import load, text
from tests.kinds import tiny

LENGTHS: Final = (1, 3, 3, 4, 7, 12, 12, 30, 41, 60)


def pooled(hidden: torch.Tensor, pooling: str) -> torch.Tensor:
    """Pool [tokens, H] of one text, written out as the definition says."""
    if pooling == "mean_tokens":
        return hidden.sum(dim=0) / len(hidden)
    return hidden[0] if pooling == "cls_token" else hidden[-1]


def expected(model: Any, ids: list[int], pooling: str, *, normalize: bool) -> numpy.ndarray:
    """Compute one vector with nothing of ours."""
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    vector = pooled(hidden, pooling).double()
    return (vector / vector.norm() if normalize else vector).numpy()


def vectors(directory: Path, inputs: list[list[int]]) -> tuple[list[numpy.ndarray], str]:
    kind, statistics = load(directory, EMBEDDINGS)
    items = sorted((text(ids) for ids in inputs), key=kind.size)
    with torch.inference_mode():
        answers = kind.run(items)
    found = {item.ids: answer for item, answer in zip(items, answers, strict=True)}
    made = []
    for ids in inputs:
        answer = found[text(ids).ids]
        assert isinstance(answer, Vector)
        made.append(numpy.frombuffer(answer.values, "<f4"))
    return made, statistics.tier


@pytest.mark.parametrize(
    ("family", "pooling", "normalize", "tier"),
    [
        ("bert", "mean_tokens", True, "A"),
        ("bert", "cls_token", False, "A"),
        ("roberta", "mean_tokens", True, "A"),
        ("xlm-roberta", "cls_token", True, "A"),
        ("distilbert", "mean_tokens", True, "A"),
        ("qwen3", "lasttoken", True, "A"),
        # Attention of other sorts is read in rows instead.
        ("mpnet", "mean_tokens", True, "B"),
        ("modernbert", "mean_tokens", True, "B"),
        ("gemma3_text", "mean_tokens", True, "B"),
    ],
)
def test_a_batch_gives_what_each_text_gives_alone(
    tmp_path: Path, family: str, pooling: str, normalize: bool, tier: str
) -> None:
    tiny.save_embeddings(tmp_path, family, pooling=pooling, normalize=normalize)
    chance = random.Random(0)
    inputs = [[chance.randrange(4, tiny.VOCABULARY) for _ in range(n)] for n in LENGTHS]
    made, how = vectors(tmp_path, inputs)
    model: Any = AutoModel.from_pretrained(tmp_path).eval()
    for vector, ids in zip(made, inputs, strict=True):
        reference = expected(model, ids, pooling, normalize=normalize)
        assert numpy.abs(vector - reference).max() < 1e-4 * max(1.0, numpy.abs(reference).max())
    assert how == tier


TEXTS: Final = (
    "The quick brown fox jumps over the lazy dog.",
    "A man is eating food.",
    "Ein Mann isst 🍕, sagt man: naïve café — ok?",
    "word " * 150,
    "x",
)


def test_the_default_model_gives_what_transformers_gives() -> None:
    real = default_model_directory("all-minilm-l6-v2")
    tokenizer: Any = AutoTokenizer.from_pretrained(real)
    inputs = [list(tokenizer(one)["input_ids"]) for one in TEXTS]
    made, how = vectors(real, inputs)
    assert how == "A"
    model: Any = AutoModel.from_pretrained(real).eval()
    for vector, ids in zip(made, inputs, strict=True):
        reference = expected(model, ids, "mean_tokens", normalize=True)
        assert numpy.abs(vector - reference).max() < 1e-4


def test_shorter_vectors_are_the_beginning_at_length_one(tmp_path: Path) -> None:
    kind, _ = load(tiny.save_embeddings(tmp_path), EMBEDDINGS)
    with torch.inference_mode():
        whole, short = kind.run([text([5, 6]), text([5, 6], dimensions=8)])
    assert isinstance(whole, Vector)
    assert isinstance(short, Vector)
    beginning = numpy.frombuffer(whole.values, "<f4")[:8]
    kept = numpy.frombuffer(short.values, "<f4")
    assert numpy.allclose(kept, beginning / numpy.linalg.norm(beginning), atol=1e-6)
