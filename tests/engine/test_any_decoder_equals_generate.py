"""The slot cache gives what transformers' `generate` gives, for every family it claims."""

from typing import Any

import pytest
import torch

from inference.engine.decoder import Decoder
from inference.engine.linear import PackedLinear, pack_linears
from tests.engine import tiny_models

PROMPT_LENGTHS = (5, 23, 40, 11)
NEW_TOKENS = 24
CHUNK = 7


def prompts() -> list[list[int]]:
    source = torch.Generator().manual_seed(1)
    return [
        torch.randint(5, tiny_models.VOCABULARY - 5, (n,), generator=source).tolist()
        for n in PROMPT_LENGTHS
    ]


def generate(model: Any, prompt: list[int]) -> list[int]:
    out = model.generate(
        torch.tensor([prompt]), max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0
    )
    return list(out[0][len(prompt) :].tolist())


def decode(decoder: Decoder) -> list[list[int]]:
    """Write each prompt in chunks, then decode all of them together."""
    completions = []
    for slot, prompt in enumerate(prompts()):
        for start in range(0, len(prompt), CHUNK):
            logits = decoder.prefill(prompt[start : start + CHUNK], slot, start)
        completions.append([int(logits.argmax())])
    for step in range(NEW_TOKENS - 1):
        positions = [length + step for length in PROMPT_LENGTHS]
        logits = decoder.decode([tokens[-1] for tokens in completions], positions)
        for tokens, token in zip(completions, logits.argmax(-1).tolist(), strict=True):
            tokens.append(token)
    return completions


@pytest.mark.parametrize("family", tiny_models.FAMILIES)
@torch.inference_mode()
def test_greedy_output_of_ragged_chunked_batched_rows_equals_generate(family: str) -> None:
    model = tiny_models.build(family)
    expected = [generate(model, prompt) for prompt in prompts()]
    # Large enough that the sliding windows of 16 tokens slide, small enough that a mask of the
    # wrong width or a stale position shows.
    assert decode(Decoder(model, slots=6, context=100)) == expected


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt", "qwen2"])
@torch.inference_mode()
def test_packed_linears_give_the_same_tokens(family: str) -> None:
    model = tiny_models.build(family)
    expected = [generate(model, prompt) for prompt in prompts()]
    assert pack_linears(model) > 4
    assert decode(Decoder(model, slots=6, context=100)) == expected


@torch.inference_mode()
def test_a_tied_head_is_packed_and_the_embedding_stays() -> None:
    model = tiny_models.build("llama", tie_word_embeddings=True)
    expected = [generate(model, prompt) for prompt in prompts()]
    rows = model.get_input_embeddings().weight.clone()
    pack_linears(model)
    assert isinstance(model.lm_head, PackedLinear)
    assert torch.equal(model.get_input_embeddings().weight, rows)
    assert decode(Decoder(model, slots=6, context=100)) == expected


@torch.inference_mode()
def test_a_moved_slot_decodes_as_it_would_have_where_it_was() -> None:
    decoder = Decoder(tiny_models.build("llama"), slots=6, context=100)
    first, second = prompts()[1], prompts()[2]
    decoder.prefill(first, 0, 0)
    token = int(decoder.prefill(second, 1, 0).argmax())
    stayed = decoder.decode([7, token], [len(first), len(second)])[1]
    decoder.move(1, 0, len(second))
    moved = decoder.decode([token], [len(second)])[0]
    assert torch.allclose(stayed, moved, atol=1e-4)
