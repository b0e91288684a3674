"""Penalties are what their definition says, row by row, whoever else is in the batch."""

import random
from typing import Any

import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor

from inference.engine.penalties import Penalties, is_penalised
from inference.engine.sampler import Sampler
from inference.engine.sequence import Sequence
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.wire import Sampling
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture
VOCABULARY = 200


def penalised(logits: torch.Tensor, one: Sequence, made: list[int]) -> torch.Tensor:
    """The definition, written the slow way: token by token of one row."""
    sampling, scores = one.request.sampling, logits.clone()
    for token in {*one.request.prompt, *made}:
        score = scores[token]
        penalty = torch.tensor(sampling.repetition_penalty)
        score = score / penalty if score > 0 else score * penalty
        count = made.count(token)
        amount = torch.tensor(sampling.frequency_penalty) * count
        amount += torch.tensor(sampling.presence_penalty) * (count > 0)
        scores[token] = score - amount
    return scores


def random_settings(source: random.Random) -> dict[str, Any]:
    return {
        "repetition_penalty": source.choice([1.0, 0.5, 1.3, 3.0]),
        "presence_penalty": source.choice([0.0, 0.7, -1.5]),
        "frequency_penalty": source.choice([0.0, 0.4, 2.0, -0.3]),
    }


def random_sequence(source: random.Random, tokenizer: Tokenizer) -> Sequence:
    prompt = [source.randrange(VOCABULARY) for _ in range(source.randint(1, 60))]
    return sequence(tokenizer, prompt, **random_settings(source))


@pytest.mark.parametrize("seed", range(5))
def test_batches_that_change_follow_the_definition_at_each_step(
    tokenizer: Tokenizer, seed: int
) -> None:
    source, numbers = random.Random(seed), torch.Generator().manual_seed(seed)
    sampler = Sampler()
    running = [random_sequence(source, tokenizer) for _ in range(12)]
    made: dict[Sequence, list[int]] = {one: [] for one in running}
    for _ in range(40):
        logits = torch.randn(len(running), VOCABULARY, generator=numbers)
        untouched = logits.clone()
        tokens = sampler.sample(logits, running)
        assert logits.equal(untouched)
        for row, one in enumerate(running):
            wanted = penalised(logits[row], one, made[one]).argmax()
            assert tokens[row] == wanted
            made[one].append(tokens[row])
        # Rows change places, one leaves and one comes, as in the engine.
        source.shuffle(running)
        sampler.release(running.pop())
        running.append(random_sequence(source, tokenizer))
        made[running[-1]] = []


def test_the_repetition_penalty_is_that_of_transformers(tokenizer: Tokenizer) -> None:
    prompts = [[1, 2, 3], [7, 7, 7, 150], list(range(90))]
    rows = [sequence(tokenizer, prompt, repetition_penalty=1.7) for prompt in prompts]
    logits = torch.randn(3, VOCABULARY)
    ours = logits.clone()
    Penalties().apply(ours, [0, 1, 2], rows)
    processor = RepetitionPenaltyLogitsProcessor(penalty=1.7)
    for row, prompt in enumerate(prompts):
        theirs = processor(torch.tensor([prompt]), logits[row : row + 1].clone())
        torch.testing.assert_close(ours[row : row + 1], theirs, rtol=0, atol=0)


def test_presence_and_frequency_leave_tokens_of_the_prompt_alone(tokenizer: Tokenizer) -> None:
    one = sequence(tokenizer, [3, 4], presence_penalty=2.0, frequency_penalty=2.0)
    logits = torch.zeros(1, 10)
    Penalties().apply(logits, [0], [one])
    assert not logits.any()


def test_a_negative_penalty_makes_a_model_repeat_itself(tokenizer: Tokenizer) -> None:
    one = sequence(tokenizer, frequency_penalty=-2.0)
    sampler, logits = Sampler(), torch.zeros(1, 50)
    logits[0, 9] = 0.1
    assert [sampler.sample(logits, [one])[0] for _ in range(4)] == [9] * 4
    logits[0, 20] = 5.0  # less than the four times that 9 was made weigh
    assert sampler.sample(logits, [one]) == [9]


def test_a_row_is_penalised_the_same_in_bfloat16_whoever_is_beside_it(
    tokenizer: Tokenizer,
) -> None:
    logits = torch.randn(6, VOCABULARY).bfloat16()
    settings = [random_settings(random.Random(n)) for n in range(3)]
    plain = [sequence(tokenizer) for _ in range(3)]
    shaped = [sequence(tokenizer, [5, 6], **one) for one in settings]
    mixed = [row for pair in zip(plain, shaped, strict=True) for row in pair]
    together = Sampler().sample(logits, mixed)
    alone = [
        Sampler().sample(logits[n : n + 1], [_again(tokenizer, one)])[0]
        for n, one in enumerate(mixed)
    ]
    assert together == alone


def _again(tokenizer: Tokenizer, one: Sequence) -> Sequence:
    sampling = one.request.sampling
    return sequence(
        tokenizer,
        one.request.prompt,
        repetition_penalty=sampling.repetition_penalty,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
    )


def test_the_table_gives_places_back(tokenizer: Tokenizer) -> None:
    sampler, logits = Sampler(), torch.zeros(1, 50)
    rows = []
    for _ in range(100):
        one = sequence(tokenizer, presence_penalty=1.0)
        sampler.sample(logits, [one])
        rows.append(one.penalty_row)
        sampler.release(one)
    assert len(set(rows)) == 1


@pytest.mark.parametrize(
    ("sampling", "penalises"),
    [
        ({}, False),
        ({"temperature": 1.0, "min_p": 0.5}, False),
        ({"repetition_penalty": 1.1}, True),
        ({"presence_penalty": -0.1}, True),
        ({"frequency_penalty": 0.1}, True),
    ],
)
def test_what_asks_for_nothing_is_known_as_such(sampling: dict[str, Any], penalises: bool) -> None:
    assert is_penalised(Sampling(**sampling)) is penalises
