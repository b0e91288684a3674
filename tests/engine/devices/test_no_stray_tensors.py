"""All that the engine computes with is on the model's device.

There need be no card to find that out: on torch's meta device, which has shapes and no numbers,
operations refuse what is elsewhere, and the watch finds what names no device at all.
"""

from typing import Any

import pytest
import torch

from inference.engine.decoder import Decoder
from inference.engine.logprobs import rank
from inference.engine.sampler import Sampler
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.verification import references, verify
from tests.engine import tiny_models
from tests.engine.devices.watched import Watch
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture


@pytest.mark.parametrize("family", tiny_models.FAMILIES)
@torch.inference_mode()
def test_a_models_own_modules_run_where_the_model_is(family: str) -> None:
    model = tiny_models.build(family).to("meta", torch.bfloat16)
    decoder = Decoder(model, slots=4, context=200)
    with Watch():
        for start in range(0, 190, 38):  # around the ring of the families that slide
            last = decoder.prefill([7] * 38, 2, start)
        logits = decoder.decode([5, 6, 7], [3, 199, 12])
        decoder.move(2, 1, 50)
        decoder.clear(2)
    assert (last.device.type, logits.device.type) == ("meta", "meta")
    assert logits.shape == (3, tiny_models.VOCABULARY)


@torch.inference_mode()
def test_a_model_is_verified_where_it_is() -> None:
    model = tiny_models.build("llama")
    with Watch():
        expected = references(model, context=128, slots=4)
    decoder = Decoder(model, slots=4, context=128)
    with Watch():
        assert verify(decoder, expected, torch.float32).passed


@torch.inference_mode()
def test_tokens_are_chosen_where_the_logits_are(tokenizer: Tokenizer) -> None:
    logits = torch.randn(8, 320, generator=torch.Generator().manual_seed(0))
    rows = [
        sequence(tokenizer),
        sequence(tokenizer, temperature=1.0),
        sequence(tokenizer, temperature=9.0, top_p=0.99, seed=3),
        sequence(tokenizer, temperature=9.0, top_k=200, min_p=0.01),
        sequence(tokenizer, [4, 5, 5], repetition_penalty=1.2, frequency_penalty=0.5),
        sequence(tokenizer, [9], presence_penalty=0.5, temperature=1.0),
        sequence(tokenizer, logit_bias={3: 2.0}),
        sequence(tokenizer, min_tokens=5, stop_token_ids=[7]),
    ]
    sampler = Sampler(torch.device("cpu"))
    with Watch():
        for _ in range(3):
            tokens = sampler.sample(logits, rows)
        rank(logits, tokens)
    assert all(0 <= token < 320 for token in tokens)


def test_the_watch_would_find_a_tensor_that_names_no_device() -> None:
    program: Any = compile("torch.arange(3)", "inference/engine/stray.py", "eval")
    with Watch(), pytest.raises(AssertionError, match=r"stray.py:1 names no device"):
        eval(program)
