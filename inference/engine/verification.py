"""Checks at load that a decoder computes what transformers' own `generate` computes.

The reference is `generate`, greedy, one prompt at a time, on the model as it was loaded. The
decoder gets the same prompts as ragged rows, written in chunks and decoded together, and is fed
the reference's tokens, so that every position is compared even after a difference.

In float32 every token must be equal. In bfloat16 a rounding anywhere in the network moves logits
by a few units in the last of their 8 significant bits, so a different token is accepted where the
reference itself was undecided: its logit for our token within `ROUNDINGS` units (2⁻⁸ of the row's
largest magnitude each) of its best one. Where processors multiply bfloat16, activations are rounded
as well: correct kernels were seen 5 units off on small random models. Positions that are off by
one, or a norm by a seventh, miss on a third of the tokens by more than 8.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from inference.engine.decoder import SlotDecoder

PROMPT_LENGTHS = (5, 23, 41)
NEW_TOKENS = 8
CHUNK = 16  # so that two of the prompts are written in several chunks
ROUNDINGS = 8
BF16_UNIT = 2.0**-8


class Reference(NamedTuple):
    """What `generate` made of a prompt: tokens, and the logits [NEW_TOKENS, V] behind them."""

    prompt: list[int]
    tokens: list[int]
    logits: Tensor


class Verdict(NamedTuple):
    """How many positions were compared, differed within rounding, and were wrong."""

    compared: int
    undecided: int
    wrong: int

    @property
    def passed(self) -> bool:
        return self.compared > 0 and self.wrong == 0

    def __str__(self) -> str:
        return (
            f"{self.compared - self.undecided - self.wrong} of {self.compared} tokens equal to"
            f" generate, {self.undecided} within rounding, {self.wrong} wrong"
        )


def references(model: Any, *, context: int, slots: int) -> list[Reference]:
    """Run `generate` over as many fixed random prompts as there are slots for."""
    vocabulary = model.get_input_embeddings().num_embeddings
    source = torch.Generator().manual_seed(1)
    lengths = [n for n in PROMPT_LENGTHS[:slots] if n + NEW_TOKENS <= context]
    prompts = [torch.randint(0, vocabulary, (n,), generator=source).tolist() for n in lengths]
    return [_reference(model, prompt) for prompt in prompts]


def _reference(model: Any, prompt: list[int]) -> Reference:
    ids = torch.tensor([prompt], device=model.device)
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        eos_token_id=None,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    tokens = out.sequences[0, len(prompt) :].tolist()
    return Reference(prompt, tokens, torch.cat(out.logits).float().cpu())


def verify(decoder: SlotDecoder, expected: list[Reference], dtype: torch.dtype) -> Verdict:
    """Compare `decoder` with what `generate` made. Uses slots 0…len(expected)-1."""
    if not expected:
        return Verdict(0, 0, 0)
    tolerance = ROUNDINGS * BF16_UNIT if dtype == torch.bfloat16 else 0.0
    firsts = [_prefill(decoder, row, reference) for row, reference in enumerate(expected)]
    made = [torch.cat(firsts)]
    for step in range(NEW_TOKENS - 1):
        tokens = [reference.tokens[step] for reference in expected]
        positions = [len(reference.prompt) + step for reference in expected]
        made.append(decoder.decode(tokens, positions).clone())
    return _compare(torch.stack(made, 1).float().cpu(), expected, tolerance)


def _prefill(decoder: SlotDecoder, slot: int, reference: Reference) -> Tensor:
    prompt = reference.prompt
    starts = range(0, len(prompt), CHUNK)
    return [decoder.prefill(prompt[at : at + CHUNK], slot, at) for at in starts][-1]


def _compare(made: Tensor, expected: list[Reference], tolerance: float) -> Verdict:
    """Judge logits `made` [prompts, NEW_TOKENS, V]."""
    wanted = torch.stack([reference.logits for reference in expected])
    ours = made.argmax(-1, keepdim=True)
    gap = wanted.amax(-1, keepdim=True) - wanted.gather(-1, ours)
    accepted = (gap <= tolerance * wanted.abs().amax(-1, keepdim=True)) & made.isfinite().all(
        -1, keepdim=True
    )
    different = ours != wanted.argmax(-1, keepdim=True)
    wrong = int((~accepted).sum())
    return Verdict(ours.numel(), int((different & accepted).sum()), wrong)
