"""Logprobs are of the model's own distribution, and come with the text of the tokens they name."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.logprobs import LEAST, MAX_ALTERNATIVES, rank
from inference.engine.wire import Deltas, Finished, TokenLogprob
from tests.engine import tiny_models
from tests.engine.batches import Answers, bench

PROMPT = [5, 9, 200, 31]


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def named(answers: Answers, request_id: str = "x") -> list[TokenLogprob]:
    deltas = [m for _, m in answers.frames if isinstance(m, Deltas)]
    items = itertools.chain.from_iterable(frame.items for frame in deltas)
    return [one for item in items if item.request_id == request_id for one in item.logprobs]


def asked(directory: Path, max_tokens: int = 12, **more: Any) -> Answers:
    one = bench(directory)
    one.submit("x", PROMPT, max_tokens, **more)
    return one.finish()


def test_each_token_has_its_log_softmax_and_the_likeliest_beside_it(tmp_path: Path) -> None:
    answers = asked(tmp_path, logprobs=5, temperature=1.5, seed=3)
    tokens = named(answers)
    assert len(tokens) == 12
    model, known = tiny_models.build("llama"), tiny_models.tokenizer()
    ids = list(PROMPT)
    for one in tokens:
        scores = model(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        token = known.convert_tokens_to_ids(one.token.decode())
        assert one.logprob == pytest.approx(float(scores[token]), abs=1e-3)
        values, likeliest = scores.topk(5)
        assert [name.decode() for name, _ in one.top] == known.convert_ids_to_tokens(likeliest)
        assert [value for _, value in one.top] == pytest.approx(values.tolist(), abs=1e-3)
        ids.append(token)


def test_they_do_not_depend_on_how_tokens_are_chosen(tmp_path: Path) -> None:
    plain = named(asked(tmp_path, 1, logprobs=3))[0]
    forced = {tiny_models.tokenizer().convert_tokens_to_ids(plain.token.decode()): 0.0, 77: 100.0}
    shaped = named(
        asked(tmp_path, 1, logprobs=3, logit_bias=forced, temperature=2.0, repetition_penalty=1.5)
    )[0]
    assert shaped.token.decode() == tiny_models.tokenizer().convert_ids_to_tokens(77)
    assert shaped.top == plain.top
    assert shaped.logprob < plain.top[2][1]


def test_the_tokens_are_the_text(tmp_path: Path) -> None:
    answers = asked(tmp_path, 20, logprobs=0, temperature=2.0, seed=1)
    tokens = named(answers)
    assert b"".join(one.token for one in tokens).decode() == answers.texts["x"]
    assert all(one.top == [] for one in tokens)


def test_tokens_that_a_stop_string_takes_are_not_named(tmp_path: Path) -> None:
    whole = named(asked(tmp_path, 20, logprobs=0))
    texts = [one.token.decode() for one in whole]
    begin = "".join(texts[:6])
    stop = "".join(texts)[len(begin) + 1 :][: len(texts[6]) + 3]
    answers = asked(tmp_path, 20, logprobs=0, stop=[stop])
    end = answers.ends["x"]
    assert isinstance(end, Finished)
    assert end.reason == "stop"
    assert end.usage.completion_tokens > len(named(answers))
    shown = b"".join(one.token for one in named(answers)).decode()
    # The last of them may begin before the stop string and end within it.
    assert shown.startswith(answers.texts["x"])
    assert stop not in shown


def test_a_token_that_ends_the_request_is_not_named(tmp_path: Path) -> None:
    first, second, *_ = named(asked(tmp_path, 5, logprobs=0, temperature=1.0, seed=8))
    known = tiny_models.tokenizer()
    end = known.convert_tokens_to_ids(second.token.decode())
    answers = asked(tmp_path, 5, logprobs=0, temperature=1.0, seed=8, stop_token_ids=[end])
    assert [one.token for one in named(answers)] == [first.token]


def test_they_come_with_the_deltas_and_none_is_left_behind(tmp_path: Path) -> None:
    for max_tokens in (1, 2, 7):
        assert len(named(asked(tmp_path, max_tokens, logprobs=20))) == max_tokens


def test_requests_that_did_not_ask_have_none(tmp_path: Path) -> None:
    two = bench(tmp_path)
    two.submit("asks", PROMPT, 5, logprobs=2)
    two.submit("does not", PROMPT, 5)
    answers = two.finish()
    assert len(named(answers, "asks")) == 5
    assert named(answers, "does not") == []
    assert answers.texts["asks"] == answers.texts["does not"]


def test_a_row_ranks_the_same_alone_and_among_others() -> None:
    logits = torch.randn(9, 300)
    logits[:, 5:40] = 2.0  # equal ones
    together = rank(logits, list(range(9)))
    assert [rank(logits[n : n + 1], [n])[0] for n in range(9)] == together
    assert all(len(one.top) == MAX_ALTERNATIVES for one in together)


def test_what_cannot_be_is_a_number_that_json_can_say() -> None:
    logits = torch.full((1, 30), -torch.inf)
    logits[0, :2] = 0.0
    (one,) = rank(logits, [7])
    assert one.logprob == LEAST
    assert one.top[-1][1] == LEAST
