"""Tokens come as often as temperature, top-k and top-p say, however they are computed."""

from typing import Any

import pytest
import torch
from transformers import MinPLogitsWarper

from inference.engine.choice import BAD_LOGITS, SHORTLIST, choose
from inference.engine.text.tokenizer import Tokenizer
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture
DRAWS = 8_000


def frequencies(tokenizer: Tokenizer, logits: torch.Tensor, **sampling: Any) -> torch.Tensor:
    one = sequence(tokenizer, seed=5, **sampling)
    rows = 1_000
    counts = torch.zeros(logits.numel())
    for _ in range(DRAWS // rows):
        drawn = choose(logits.expand(rows, -1), [one] * rows)
        counts += torch.bincount(torch.tensor(drawn), minlength=logits.numel())
    return counts / DRAWS


def expected(
    logits: torch.Tensor, temperature: float, top_k: int, top_p: float, min_p: float = 0.0
) -> torch.Tensor:
    """The definition, written the slow way: temperature, then min-p, top-k and top-p."""
    probabilities, order = (logits / temperature).softmax(-1).sort(descending=True)
    probabilities[probabilities < min_p * probabilities[0]] = 0
    probabilities /= probabilities.sum()
    if top_k:
        probabilities[top_k:] = 0
        probabilities /= probabilities.sum()
    before = probabilities.cumsum(-1) - probabilities
    probabilities[before >= top_p] = 0
    return torch.zeros_like(logits).scatter(0, order, probabilities / probabilities.sum())


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (1.0, 0, 1.0),
        (0.7, 0, 1.0),
        (1.5, 5, 1.0),
        (1.0, 0, 0.8),
        (1.0, 10, 0.6),
        (2.0, 100, 1.0),  # more than the shortlist holds
        (5.0, 0, 0.95),  # a nucleus that is larger than the shortlist
        (1.0, 0, 0.001),
        (1.0, 1, 1.0),
    ],
)
def test_frequencies_follow_the_definition(
    tokenizer: Tokenizer, temperature: float, top_k: int, top_p: float
) -> None:
    logits = torch.randn(300, generator=torch.Generator().manual_seed(2)) * 2
    wanted = expected(logits, temperature, top_k, top_p)
    made = frequencies(tokenizer, logits, temperature=temperature, top_k=top_k, top_p=top_p)
    assert not made[wanted == 0].any()
    # Total variation of 8,000 draws from 300 outcomes is about 0.07.
    assert (made - wanted).abs().sum() / 2 < 0.1


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "min_p"),
    [
        (1.0, 0, 1.0, 0.05),
        (1.0, 0, 1.0, 1.0),
        (5.0, 0, 1.0, 0.2),  # leaves more than the shortlist holds
        (5.0, 100, 0.9, 0.1),
        (1.0, 3, 1.0, 0.01),
        (1.0, 0, 0.7, 0.1),
        (8.0, 0, 1.0, 1e-6),  # leaves all
    ],
)
def test_min_p_cuts_what_is_too_unlikely_beside_the_likeliest(
    tokenizer: Tokenizer, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    logits = torch.randn(300, generator=torch.Generator().manual_seed(3)) * 2
    wanted = expected(logits, temperature, top_k, top_p, min_p)
    made = frequencies(
        tokenizer, logits, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p
    )
    assert not made[wanted == 0].any()
    assert (made - wanted).abs().sum() / 2 < 0.1


@pytest.mark.parametrize("min_p", [0.02, 0.3, 0.9])
def test_min_p_leaves_what_transformers_leaves(tokenizer: Tokenizer, min_p: float) -> None:
    logits = torch.randn(1, 300, generator=torch.Generator().manual_seed(4))
    left = MinPLogitsWarper(min_p)(torch.LongTensor([[0]]), torch.FloatTensor(logits.clone()))[
        0
    ].isfinite()
    made = frequencies(tokenizer, logits[0], temperature=1.0, min_p=min_p)
    assert not made[~left].any()
    assert (made[left] > 0).float().mean() > 0.9  # the least likely may never have been drawn


def test_a_row_without_min_p_is_not_cut_by_its_neighbours(tokenizer: Tokenizer) -> None:
    logits = torch.zeros(2, 300)
    logits[:, 0] = 3.0
    drawn = set()
    for seed in range(200):
        rows = [
            sequence(tokenizer, temperature=1.0, seed=seed),
            sequence(tokenizer, temperature=1.0, min_p=0.9, seed=seed),
        ]
        free, cut = choose(logits, rows)
        drawn.add(free)
        assert cut == 0
    assert len(drawn) > 50


def test_the_tail_beyond_the_shortlist_is_drawn_from(tokenizer: Tokenizer) -> None:
    made = frequencies(tokenizer, torch.zeros(300), temperature=1.0)
    assert (made > 0).sum() == 300 > SHORTLIST


def test_greedy_takes_the_largest_whatever_the_rest_of_the_batch_does(tokenizer: Tokenizer) -> None:
    logits = torch.randn(4, 300)
    rows = [
        sequence(tokenizer),
        sequence(tokenizer, temperature=3.0),
        sequence(tokenizer, top_k=7, top_p=0.5),
        sequence(tokenizer, temperature=1.0, top_k=1),
    ]
    tokens = choose(logits, rows)
    largest = logits.argmax(-1).tolist()
    assert [tokens[0], tokens[2], tokens[3]] == [largest[0], largest[2], largest[3]]


def test_a_row_draws_the_same_number_alone_and_in_any_batch(tokenizer: Tokenizer) -> None:
    logits = torch.randn(8, 300)
    together = [sequence(tokenizer, temperature=2.0, seed=n) for n in range(8)]
    tokens = [choose(logits, together) for _ in range(70)]  # past the first block of numbers
    for row in range(8):
        one = sequence(tokenizer, temperature=2.0, seed=row)
        assert [choose(logits[row : row + 1], [one])[0] for _ in range(70)] == [
            step[row] for step in tokens
        ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_bad_logits_are_told_apart_and_touch_no_other_row(
    tokenizer: Tokenizer, value: float
) -> None:
    logits = torch.zeros(3, 100)
    logits[1, 50] = value
    logits[2, 7] = 1.0
    rows = [sequence(tokenizer, temperature=1.0), sequence(tokenizer, temperature=1.0)]
    tokens = choose(logits, [*rows, sequence(tokenizer)])
    assert tokens[1:] == [BAD_LOGITS, 7]
    assert 0 <= tokens[0] < 100


def test_a_row_of_minus_infinity_is_bad(tokenizer: Tokenizer) -> None:
    assert choose(torch.full((1, 10), -torch.inf), [sequence(tokenizer)]) == [BAD_LOGITS]
