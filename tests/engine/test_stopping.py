"""What ends a request: its model's end of text, tokens and strings of its own, its length."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.wire import Finished
from tests.engine import tiny_models
from tests.engine.batches import Bench, bench

PROMPT = [5, 9, 200, 31]


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def asked(one: Bench, max_tokens: int = 30, **more: Any) -> tuple[str, str, int]:
    """Return the text, why it ended and how many tokens were made."""
    one.submit("x", PROMPT, max_tokens, **more)
    answers = one.finish()
    end = answers.ends["x"]
    assert isinstance(end, Finished)
    return answers.texts["x"], end.reason, end.usage.completion_tokens


def plain(directory: Path) -> list[int]:
    """Return the tokens that are made when nothing ends them."""
    text, reason, made = asked(bench(directory), temperature=1.5, seed=6)
    assert (reason, made) == ("length", 30)
    one = bench(directory)
    one.submit("x", PROMPT, 30, temperature=1.5, seed=6)
    sequence = one.scheduler.find("gateway", "x")
    assert sequence is not None
    assert one.finish().texts["x"] == text
    return sequence.tokens[len(PROMPT) :]


def spelled(tokens: list[int]) -> str:
    return "".join(tiny_models.tokenizer().convert_ids_to_tokens(tokens))


def first_seen_late(tokens: list[int]) -> int:
    """Return the place of a token that does not occur before, some way in."""
    return next(n for n in range(8, 30) if tokens[n] not in tokens[:n])


def test_a_stop_token_ends_it_and_is_not_shown(tmp_path: Path) -> None:
    tokens = plain(tmp_path)
    place = first_seen_late(tokens)
    ended = asked(bench(tmp_path), temperature=1.5, seed=6, stop_token_ids=[tokens[place], 499])
    assert ended == (spelled(tokens[:place]), "stop", place + 1)


def with_eos(directory: Path, token: int) -> Bench:
    """Return an engine whose model ends its texts with `token`."""
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": token}))
    return bench(directory)


def test_the_end_of_text_ends_it_unless_it_is_ignored(tmp_path: Path) -> None:
    tokens = plain(tmp_path)
    place = first_seen_late(tokens)
    settings: dict[str, Any] = {"temperature": 1.5, "seed": 6}
    ended = asked(with_eos(tmp_path, tokens[place]), **settings)
    assert ended == (spelled(tokens[:place]), "stop", place + 1)
    ignored = asked(with_eos(tmp_path, tokens[place]), **settings, ignore_eos=True)
    assert ignored == (spelled(tokens), "length", 30)


@pytest.mark.parametrize("min_tokens", [1, 15, 30])
def test_until_its_least_length_no_token_ends_it(tmp_path: Path, min_tokens: int) -> None:
    bias = {41: 100.0, 42: 99.0}
    one = with_eos(tmp_path, 41)
    text, reason, made = asked(one, min_tokens=min_tokens, logit_bias=bias, stop_token_ids=[43])
    assert text == spelled([42] * min_tokens)
    assert (reason, made) == (("stop", min_tokens + 1) if min_tokens < 30 else ("length", 30))


def test_until_its_least_length_stop_strings_are_not_looked_at(tmp_path: Path) -> None:
    bias, letters = {42: 100.0}, spelled([42])
    for min_tokens in (0, 1, 5):
        ended = asked(bench(tmp_path), logit_bias=bias, stop=[letters], min_tokens=min_tokens)
        assert ended == (letters * min_tokens, "stop", min_tokens + 1)


def test_a_stop_string_begun_too_early_does_not_count(tmp_path: Path) -> None:
    bias, letters = {42: 100.0}, spelled([42])
    ended = asked(bench(tmp_path), logit_bias=bias, stop=[letters * 3], min_tokens=2)
    assert ended == (letters * 2, "stop", 5)
