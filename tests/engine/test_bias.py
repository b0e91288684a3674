"""Bias moves single tokens' logits; what would end a request is masked until it may end."""

import pytest
import torch
from transformers import MinNewTokensLengthLogitsProcessor, SequenceBiasLogitsProcessor

from inference.engine.bias import add_bias
from inference.engine.sampler import Sampler
from inference.engine.sequence import Sequence
from inference.engine.text.tokenizer import Tokenizer
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture


def biased(logits: torch.Tensor, *sequences: Sequence) -> torch.Tensor:
    changed = logits.clone()
    add_bias(changed, list(sequences))
    return changed


def test_it_is_what_transformers_adds(tokenizer: Tokenizer) -> None:
    biases = [{3: 5.0, 49: -100.0}, {}, {0: 0.25}]
    logits = torch.randn(3, 50)
    ours = biased(logits, *(sequence(tokenizer, logit_bias=bias) for bias in biases))
    for row, bias in enumerate(biases):
        if bias:
            processor = SequenceBiasLogitsProcessor([[[t], value] for t, value in bias.items()])
            theirs = processor(torch.tensor([[1]]), logits[row : row + 1].clone())
            torch.testing.assert_close(ours[row : row + 1], theirs, rtol=0, atol=0)
    assert ours[1].equal(logits[1])


def test_what_ends_a_request_is_masked_until_it_has_its_least_length(tokenizer: Tokenizer) -> None:
    one = sequence(tokenizer, [1, 2, 3], eos_ids=frozenset({4, 9}), min_tokens=3)
    logits = torch.randn(1, 50)
    for generated in range(5):
        one.generated = generated
        processor = MinNewTokensLengthLogitsProcessor(3, 3, [4, 9])
        theirs = processor(torch.zeros(1, 3 + generated, dtype=torch.long), logits.clone())
        assert biased(logits, one).equal(theirs)


def test_stop_tokens_are_masked_too_and_win_over_a_bias(tokenizer: Tokenizer) -> None:
    one = sequence(tokenizer, stop_token_ids=[7], min_tokens=1, logit_bias={7: 100.0, 8: 1.0})
    changed = biased(torch.zeros(1, 50), one)[0]
    assert changed[7] == -torch.inf
    assert changed[8] == 1.0


def test_an_end_that_the_model_has_no_output_for_is_passed_over(tokenizer: Tokenizer) -> None:
    one = sequence(tokenizer, eos_ids=frozenset({50, 3}), min_tokens=1)
    assert biased(torch.zeros(1, 50), one)[0].isinf().nonzero().tolist() == [[3]]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_hundred_chooses_a_token_and_minus_a_hundred_bans_one(
    tokenizer: Tokenizer, temperature: float
) -> None:
    logits = torch.randn(1, 50)
    favourite = int(logits.argmax())
    chosen = sequence(tokenizer, temperature=temperature, logit_bias={17: 100.0})
    banned = sequence(tokenizer, temperature=temperature, logit_bias={favourite: -100.0})
    for _ in range(50):
        assert Sampler().sample(logits, [chosen]) == [17]
        assert Sampler().sample(logits, [banned]) != [favourite]


def test_other_rows_keep_their_tokens(tokenizer: Tokenizer) -> None:
    logits = torch.randn(3, 50)
    rows = [sequence(tokenizer), sequence(tokenizer, logit_bias={5: 100.0}), sequence(tokenizer)]
    largest = logits.argmax(-1).tolist()
    assert Sampler().sample(logits, rows) == [largest[0], 5, largest[2]]
