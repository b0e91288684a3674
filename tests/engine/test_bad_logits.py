"""Logits that are no numbers end their own request; the others and the engine go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.choice import BAD_LOGITS
from inference.engine.sampler import Sampler
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.wire import Failed
from tests.engine.batches import Bench, bench
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture
EVERYTHING: dict[str, Any] = {
    "temperature": 0.9,
    "top_p": 0.9,
    "top_k": 50,
    "min_p": 0.01,
    "repetition_penalty": 1.2,
    "presence_penalty": 0.3,
    "frequency_penalty": 0.2,
    "logit_bias": {5: 2.0},
    "logprobs": 3,
    "seed": 4,
}


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def poisoned(crowd: Bench, method: str, spoil: Callable[[torch.Tensor], object]) -> None:
    """Spoil what the decoder's `method` returns the next time, and only then."""
    original = getattr(crowd.decoder, method)

    def once(*arguments: Any) -> torch.Tensor:
        setattr(crowd.decoder, method, original)
        logits: torch.Tensor = original(*arguments).clone()
        spoil(logits)
        return logits

    setattr(crowd.decoder, method, once)


def spoil_first(value: float) -> Callable[[torch.Tensor], None]:
    def spoil(logits: torch.Tensor) -> None:
        logits[0, 3] = value

    return spoil


def text_alone(directory: Path, prompt: list[int], **sampling: Any) -> str:
    one = bench(directory)
    one.submit("x", prompt, 12, **sampling)
    return one.finish().texts["x"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("sampling", [{}, {"temperature": 1.0, "seed": 2}, EVERYTHING], ids=len)
def test_its_request_fails_and_its_neighbour_does_not_notice(
    tmp_path: Path, value: float, sampling: dict[str, Any]
) -> None:
    crowd = bench(tmp_path)
    crowd.submit("bad", [1, 2, 3], 12, **sampling)
    crowd.submit("good", [7, 8, 9, 10], 12, **sampling)
    crowd.engine.step()
    crowd.engine.step()
    poisoned(crowd, "decode", spoil_first(value))
    answers = crowd.finish()
    failed = answers.ends["bad"]
    assert isinstance(failed, Failed)
    assert failed.code == "bad_logits"
    assert failed.usage is not None
    assert 0 < failed.usage.completion_tokens < 12
    assert answers.texts["good"] == text_alone(tmp_path, [7, 8, 9, 10], **sampling)
    assert not crowd.engine.busy


@pytest.mark.parametrize("sampling", [{}, EVERYTHING], ids=len)
def test_a_prompt_that_comes_to_nothing_fails_and_its_slot_serves_the_next(
    tmp_path: Path, sampling: dict[str, Any]
) -> None:
    crowd = bench(tmp_path, slots=1)
    poisoned(crowd, "prefill", lambda logits: logits.fill_(torch.nan))
    crowd.submit("bad", [1, 2, 3], 12, **sampling)
    crowd.submit("next", [1, 2, 3, 4], 12, **sampling)
    answers = crowd.finish()
    failed = answers.ends["bad"]
    assert isinstance(failed, Failed)
    assert (failed.code, failed.usage and failed.usage.completion_tokens) == ("bad_logits", 0)
    assert answers.texts["next"] == text_alone(tmp_path, [1, 2, 3, 4], **sampling)


def test_a_prompt_once_read_badly_is_not_reused(tmp_path: Path) -> None:
    crowd = bench(tmp_path, kept_slots=2)
    poisoned(crowd, "prefill", lambda logits: logits.fill_(torch.nan))
    crowd.submit("bad", [1, 2, 3, 4, 5, 6, 7, 8], 12)
    crowd.finish()
    crowd.submit("again", [1, 2, 3, 4, 5, 6, 7, 8], 12)
    end = crowd.finish().ends["again"]
    assert end.usage is not None
    assert (end.usage.cached_tokens, end.usage.completion_tokens) == (0, 12)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 5, 99])
def test_they_are_found_wherever_they_are_and_whatever_is_asked(
    tokenizer: Tokenizer, value: float, place: int
) -> None:
    logits = torch.randn(3, 100)
    logits[1, place] = value
    rows = [sequence(tokenizer, [2], **EVERYTHING) for _ in range(3)]
    tokens = Sampler().sample(logits, rows)
    assert tokens[1] == BAD_LOGITS
    assert min(tokens[0], tokens[2]) >= 0


def test_a_token_ruled_out_does_not_hide_them(tokenizer: Tokenizer) -> None:
    logits = torch.zeros(1, 100)
    logits[0, 7] = torch.inf
    masked = sequence(tokenizer, stop_token_ids=[7], min_tokens=3)
    assert Sampler().sample(logits, [masked]) == [BAD_LOGITS]
