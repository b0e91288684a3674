"""What cannot be served is refused before it costs anything, with the bound in the answer."""

from pathlib import Path
from typing import Any

import pytest

from inference.engine.wire import Accepted, Failed
from tests.engine.batches import CONTEXT, Bench, bench

SLOTS, WAITING = 3, 2


@pytest.fixture
def engine(tmp_path: Path) -> Bench:
    return bench(tmp_path, slots=SLOTS, max_waiting=WAITING)


def refused(engine: Bench, prompt: list[int], max_tokens: int = 5, **more: Any) -> Failed:
    engine.submit("x", prompt, max_tokens, **more)
    engine.engine.flush()
    (_, message) = engine.answers.frames[-1]
    assert isinstance(message, Failed)
    return message


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "code", "mentions"),
    [
        ([], 5, "invalid_prompt", "empty"),
        ([-1], 5, "invalid_prompt", "0 to 499"),
        ([500], 5, "invalid_prompt", "0 to 499"),
        ([1], 0, "invalid_max_tokens", "at least 1"),
        ([1] * (CONTEXT - 4), 5, "context_length_exceeded", str(CONTEXT)),
        ([1], 10**15, "context_length_exceeded", str(CONTEXT)),
    ],
)
def test_prompts_and_lengths_outside_their_bounds(
    engine: Bench, prompt: list[int], max_tokens: int, code: str, mentions: str
) -> None:
    failed = refused(engine, prompt, max_tokens)
    assert failed.code == code
    assert mentions in failed.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 100.5),
        ("temperature", 1e-9),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_p", float("nan")),
        ("top_k", -1),
        ("min_p", -0.1),
        ("min_p", 1.1),
        ("min_p", float("nan")),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", 10.1),
        ("repetition_penalty", float("nan")),
        ("presence_penalty", 2.1),
        ("presence_penalty", float("nan")),
        ("frequency_penalty", -2.1),
        ("frequency_penalty", float("inf")),
        ("logprobs", -1),
        ("logprobs", 21),
        ("logit_bias", {500: 1.0}),
        ("logit_bias", {-1: 1.0}),
        ("logit_bias", {1: 100.5}),
        ("logit_bias", {1: float("nan")}),
        ("logit_bias", dict.fromkeys(range(301), 1.0)),
        ("seed", 2**63),
    ],
)
def test_sampling_values_outside_their_bounds(engine: Bench, name: str, value: Any) -> None:
    failed = refused(engine, [1], **{name: value})
    assert failed.code == "invalid_sampling"
    assert name in failed.detail


@pytest.mark.parametrize("stop", [[""], ["a"] * 65, ["a" * 1025]])
def test_stop_strings_outside_their_bounds(engine: Bench, stop: list[str]) -> None:
    assert refused(engine, [1], stop=stop).code == "invalid_stop"


@pytest.mark.parametrize("tokens", [[500], [-1], [1] * 65])
def test_stop_tokens_outside_their_bounds(engine: Bench, tokens: list[int]) -> None:
    failed = refused(engine, [1], stop_token_ids=tokens)
    assert failed.code == "invalid_stop"
    assert "stop_token_ids" in failed.detail


@pytest.mark.parametrize("min_tokens", [-1, 6])
def test_a_least_length_outside_its_bounds(engine: Bench, min_tokens: int) -> None:
    failed = refused(engine, [1], 5, min_tokens=min_tokens)
    assert (failed.code, "max_tokens, 5" in failed.detail) == ("invalid_min_tokens", True)


def test_a_prompt_that_just_fits_is_taken_and_fills_the_context(engine: Bench) -> None:
    engine.submit("x", [1] * (CONTEXT - 5), 5)
    assert engine.finish().ends["x"].usage.completion_tokens == 5  # type: ignore[union-attr]


def test_one_more_than_may_wait_is_refused(engine: Bench) -> None:
    for number in range(SLOTS + WAITING):  # free slots take as many before any has to wait
        engine.submit(f"r{number}", [1], 5)
    assert refused(engine, [1]).code == "queue_full"
    positions = [m.position for _, m in engine.answers.frames if isinstance(m, Accepted)]
    assert positions == list(range(SLOTS + WAITING))


def test_an_id_that_is_running_is_refused_and_the_first_goes_on(engine: Bench) -> None:
    engine.submit("x", [1], 5)
    assert refused(engine, [1]).code == "duplicate_request_id"
    assert engine.finish().ends["x"].usage.completion_tokens == 5  # type: ignore[union-attr]
