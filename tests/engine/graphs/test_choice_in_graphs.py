"""In graphs the same tokens are chosen as on the host, and nothing but tokens comes back."""

from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.choice import BAD_LOGITS, choose
from inference.engine.graphs.choice import UNDECIDED, GraphChoice, Told, chosen
from inference.engine.sampler import Sampler
from inference.engine.text.tokenizer import Tokenizer
from tests.engine.devices.watched import CaptureWatch
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture
VOCABULARIES = (40, 300, 64 * 80)  # less than the shortlist; not in chunks; in chunks
SETTINGS: list[dict[str, Any]] = [
    {},
    {"temperature": 1.0},
    {"temperature": 0.7, "top_p": 0.9},
    {"temperature": 1.3, "top_k": 40, "top_p": 0.95},
    {"temperature": 1.0, "top_k": 1},
    {"temperature": 5.0, "top_k": 100},  # more than the shortlist holds
    {"temperature": 9.0, "top_p": 0.99},  # a nucleus that is larger than the shortlist
    {"temperature": 1.0, "min_p": 0.05},
    {"temperature": 9.0, "min_p": 0.1},
    {"temperature": 9.0, "min_p": 0.1, "top_k": 70, "top_p": 0.5},
    {"temperature": 2.0, "top_p": 0.0001},
]


def logits(vocabulary: int, dtype: torch.dtype, seed: int) -> Tensor:
    """Return a row for each of SETTINGS; in bfloat16 many are equal."""
    source = torch.Generator().manual_seed(seed)
    return (torch.randn(len(SETTINGS), vocabulary, generator=source) * 3).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_token_is_the_one_that_the_host_would_choose(
    tokenizer: Tokenizer, vocabulary: int, dtype: torch.dtype
) -> None:
    ours = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(SETTINGS)]
    theirs = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(SETTINGS)]
    choice = GraphChoice(torch.zeros(20, dtype=torch.long), vocabulary)
    for step in range(100):
        rows = logits(vocabulary, dtype, step)
        assert choice(rows, ours) == choose(rows, theirs)


def test_some_of_those_rows_are_decided_beyond_the_shortlist(tokenizer: Tokenizer) -> None:
    choice = GraphChoice(torch.zeros(20, dtype=torch.long), 300)
    rows = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(SETTINGS)]
    begun = choice.begin(logits(300, torch.float32, 0), rows)
    assert UNDECIDED in begun.tokens.tolist()
    assert UNDECIDED not in choice.finish(begun)


def test_a_row_draws_the_same_alone_and_in_any_bucket(tokenizer: Tokenizer) -> None:
    choice = GraphChoice(torch.zeros(12, dtype=torch.long), 300)
    rows = logits(300, torch.float32, 1)
    alone = [
        choice(rows[n : n + 1], [sequence(tokenizer, seed=n, **one)])[0]
        for n, one in enumerate(SETTINGS)
    ]
    for count in range(1, len(SETTINGS) + 1):
        some = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(SETTINGS[:count])]
        assert choice(rows[:count], some) == alone[:count]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_bad_logits_are_told_apart_and_touch_no_other_row(
    tokenizer: Tokenizer, value: float, temperature: float
) -> None:
    rows = torch.zeros(3, 100)
    rows[1, 50] = value
    rows[2, 7] = 1.0
    choice = GraphChoice(torch.zeros(4, dtype=torch.long), 100)
    some = [sequence(tokenizer, temperature=temperature) for _ in range(2)]
    tokens = choice(rows, [*some, sequence(tokenizer)])
    assert tokens[1:] == [BAD_LOGITS, 7]
    assert 0 <= tokens[0] < 100
    assert choice(torch.full((1, 100), -torch.inf), some[:1]) == [BAD_LOGITS]


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_no_number_is_looked_at_on_the_way(vocabulary: int) -> None:
    """The meta device has none: whatever asked for one would raise."""
    device = torch.device("meta")
    told = Told(*torch.zeros(len(Told._fields), 4, 1, dtype=torch.float64, device=device))
    with CaptureWatch():
        drawn = chosen(torch.zeros(4, vocabulary, device=device), told)
        greedy = chosen(torch.zeros(4, vocabulary, device=device), None)
    assert (drawn.shape, drawn.dtype) == (greedy.shape, greedy.dtype) == ((4,), torch.long)


def test_rows_that_are_shaped_are_chosen_in_graphs_too(tokenizer: Tokenizer) -> None:
    shaped: list[dict[str, Any]] = [
        {},
        {"temperature": 1.0, "repetition_penalty": 1.3},
        {"temperature": 1.0, "logit_bias": {3: 5.0}},
        {"logprobs": 2},
    ]
    device = torch.device("cpu")
    in_graphs = Sampler(device, GraphChoice(torch.zeros(4, dtype=torch.long), 300))
    ours = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(shaped)]
    theirs = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(shaped)]
    on_host = Sampler()
    for step in range(50):
        rows = logits(300, torch.bfloat16, step)[:4]
        assert in_graphs.sample(rows, ours) == on_host.sample(rows, theirs)
