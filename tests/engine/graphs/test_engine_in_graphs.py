"""An engine over tier G answers as one over a model's own modules does, in flight as well."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.wire import Finished
from tests.engine.batches import Answers, Bench, bench
from tests.engine.graphs.flying import flying, waiting

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
    {"max_tokens": 30, "temperature": 2.0, "seed": 6, "stop_token_ids": list(range(0, 500, 9))},
    {"max_tokens": 2, "temperature": 1.0, "seed": 7},
]
PLAIN = [0, 1, 2, 3, 4, 7, 8, 10, 11]
ENGINES = {"waiting": waiting, "flying": flying}


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def run(one: Bench, order: list[int], seed: int) -> Answers:
    """Submit more than there are slots, whenever it comes, and cancel the last one of each wave."""
    moments = random.Random(seed)
    for wave in range(2):
        for number in order:
            prompt = [20 + number, *range(30, 50)] if number % 2 else [20] * (5 + 3 * number)
            one.submit(f"{wave}.{number}", prompt, **REQUESTS[number])
            for _ in range(moments.randrange(3)):
                one.engine.step()
    return one.finish()


@pytest.mark.parametrize("only", ["plain", "all"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ENGINES)
def test_every_text_and_ending_is_the_same(tmp_path: Path, name: str, seed: int, only: str) -> None:
    order = random.Random(seed).sample(PLAIN if only == "plain" else range(len(REQUESTS)), k=9)
    start: Callable[..., Bench] = ENGINES[name]
    ours = run(start(tmp_path, slots=SLOTS, kept_slots=KEPT), order, seed)
    theirs = run(bench(tmp_path, slots=SLOTS, kept_slots=KEPT), order, seed + 50)
    assert len(ours.ends) == 2 * len(order)
    assert ours.texts == theirs.texts
    for key, end in ours.ends.items():
        other = theirs.ends[key]
        assert isinstance(end, Finished)
        assert isinstance(other, Finished)
        made = end.usage.completion_tokens
        assert (end.reason, made) == (other.reason, other.usage.completion_tokens)
