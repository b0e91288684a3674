"""The same seed gives the same text, alone or in any batch, with everything on."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.batches import CONTEXT, Bench, bench


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def asked(number: int) -> tuple[list[int], int, dict[str, Any]]:
    """Return a request's prompt, length and settings, any of them on."""
    source = random.Random(number)
    prompt = [source.randrange(500) for _ in range(source.randint(1, 50))]
    settings = {
        "temperature": source.choice([0.0, 0.7, 1.0, 1.8]),
        "top_p": source.choice([1.0, 0.9, 0.5]),
        "top_k": source.choice([0, 0, 5, 80]),
        "min_p": source.choice([0.0, 0.0, 0.02, 0.2]),
        "repetition_penalty": source.choice([1.0, 1.0, 1.3, 0.8]),
        "presence_penalty": source.choice([0.0, 0.0, 0.6]),
        "frequency_penalty": source.choice([0.0, 0.0, 0.5, -0.5]),
        "logit_bias": source.choice([{}, {}, {3: 4.0, 77: -100.0}, {200: 3.0}]),
        "logprobs": source.choice([None, None, 0, 4]),
        "stop": source.choice([[], ["e"], ["ab", "zz"]]),
        "stop_token_ids": source.choice([[], [10, 20, 30]]),
        "min_tokens": source.choice([0, 0, 3]),
        "seed": number,
    }
    return prompt, source.randint(4, 25), settings


def submit(one: Bench, number: int) -> None:
    prompt, max_tokens, settings = asked(number)
    assert len(prompt) + max_tokens <= CONTEXT
    one.submit(f"r{number}", prompt, max_tokens, **settings)


def alone(one: Bench, number: int) -> tuple[str, Any]:
    submit(one, number)
    answers = one.finish()
    return answers.texts[f"r{number}"], _end(answers.ends[f"r{number}"])


def _end(end: Any) -> Any:
    return end.reason, end.usage.completion_tokens


def test_each_of_sixty_mixed_requests_gives_what_it_gives_alone(tmp_path: Path) -> None:
    crowd = bench(tmp_path, slots=16, prefill_budget=40)
    arrivals = random.Random(0)
    for number in range(60):
        submit(crowd, number)
        for _ in range(arrivals.randrange(3)):
            crowd.engine.step()
    answers = crowd.finish()
    (tmp_path / "alone").mkdir()
    one = bench(tmp_path / "alone", slots=1)
    for number in range(60):
        together = answers.texts[f"r{number}"], _end(answers.ends[f"r{number}"])
        assert together == alone(one, number), asked(number)
