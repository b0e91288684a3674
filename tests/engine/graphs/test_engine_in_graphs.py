"""An engine over tier G answers as one over a model's own modules does."""

from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.graphs.choice import GraphChoice
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.llama import Llama
from inference.engine.sampler import Sampler
from inference.engine.wire import Finished
from tests.engine import tiny_models
from tests.engine.batches import CONTEXT, Answers, Bench, bench

SLOTS, KEPT = 5, 2
REQUESTS: list[dict[str, Any]] = [
    {"max_tokens": 30},
    {"max_tokens": 12, "temperature": 0.8, "seed": 1},
    {"max_tokens": 25, "temperature": 1.5, "top_p": 0.9, "seed": 2},
    {"max_tokens": 1},
    {"max_tokens": 20, "temperature": 9.0, "seed": 3},  # beyond the shortlist, mostly
    {"max_tokens": 18, "repetition_penalty": 1.4},
    {"max_tokens": 22, "logit_bias": {7: 4.0}, "min_tokens": 5, "temperature": 1.0, "seed": 4},
    {"max_tokens": 16, "stop": ["a"]},
    {"max_tokens": 40, "tenant": "other", "temperature": 0.5, "min_p": 0.1, "seed": 5},
    {"max_tokens": 9, "logprobs": 3},
]


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def in_graphs(directory: Path) -> Bench:
    slots, device = SLOTS + KEPT, torch.device("cpu")
    model = tiny_models.build("llama")
    decoder = GraphDecoder(Llama(model), slots=slots, context=CONTEXT)
    choice = GraphChoice(rows=slots, vocabulary=tiny_models.VOCABULARY, device=device)
    sampler = Sampler(device, choice)
    return bench(directory, slots=SLOTS, kept_slots=KEPT, decoder=decoder, sampler=sampler)


def run(one: Bench) -> Answers:
    """Submit more than there are slots, in two waves that begin alike, and cancel one."""
    for wave in range(2):
        for number, request in enumerate(REQUESTS):
            prompt = [20 + number, *range(30, 50)] if number % 2 else [20] * (5 + 3 * number)
            one.submit(f"{wave}.{number}", prompt, **request)
        for _ in range(7):
            one.engine.step()
        one.engine.cancel("gateway", f"{wave}.0")
    return one.finish()


def test_every_text_and_ending_is_the_same(tmp_path: Path) -> None:
    ours, theirs = run(in_graphs(tmp_path)), run(bench(tmp_path, slots=SLOTS, kept_slots=KEPT))
    assert len(ours.ends) == 2 * len(REQUESTS)
    assert ours.texts == theirs.texts
    for name, end in ours.ends.items():
        other = theirs.ends[name]
        assert isinstance(end, Finished)
        assert isinstance(other, Finished)
        assert (end.reason, end.usage.completion_tokens) == (
            other.reason,
            other.usage.completion_tokens,
        )
