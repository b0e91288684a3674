"""Tier G computes what `generate` computes, in whatever bucket a step comes.

On the CPU, where a graph is the plain call of what a card would replay.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.graphs.buckets import Buckets
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.llama import Llama
from inference.engine.verification import references, verify
from tests.engine import tiny_models
from tests.engine.devices.watched import CaptureWatch, Watch

CONTEXT = 512
SLOTS = 6
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"attention_bias": True, "mlp_bias": True},
    "qwen2": {},
    "qwen3": {},
    "mistral": {"sliding_window": None},
}
NEW_TOKENS = 24


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def build(family: str, **changes: Any) -> Any:
    model = tiny_models.build(family, **{**FAMILIES[family], **changes})
    for parameter in model.parameters():  # so that biases and norms matter
        if parameter.dim() == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def decoder(family: str = "llama", **changes: Any) -> GraphDecoder:
    return GraphDecoder(Llama(build(family, **changes)), slots=SLOTS, context=CONTEXT)


def prompts(*lengths: int) -> list[list[int]]:
    source = torch.Generator().manual_seed(1)
    bound = tiny_models.VOCABULARY
    return [torch.randint(0, bound, (n,), generator=source).tolist() for n in lengths]


def write(one: GraphDecoder, prompt: list[int], slot: int, chunk: int = 7) -> Tensor:
    starts = range(0, len(prompt), chunk)
    return [one.prefill(prompt[at : at + chunk], slot, at) for at in starts][-1]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_verified_like_every_tier(family: str) -> None:
    model = build(family)
    expected = references(model, context=CONTEXT, slots=SLOTS)
    one = GraphDecoder(Llama(model), slots=SLOTS, context=CONTEXT)
    verdict = verify(one, expected, torch.float32)
    assert (verdict.compared, verdict.wrong) == (24, 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_grow_over_a_length_bucket_give_every_token_of_generate(family: str) -> None:
    model, rows = build(family), prompts(5, 245, 40)
    expected = [
        model.generate(
            torch.tensor([row]), max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0
        )[0, len(row) :].tolist()
        for row in rows
    ]
    one = GraphDecoder(Llama(model), slots=SLOTS, context=CONTEXT)
    made = [[int(write(one, row, slot).argmax())] for slot, row in enumerate(rows)]
    for step in range(NEW_TOKENS - 1):
        positions = [len(row) + step for row in rows]
        logits = one.decode([tokens[-1] for tokens in made], positions)
        for tokens, token in zip(made, logits.argmax(-1).tolist(), strict=True):
            tokens.append(token)
    assert made == expected


def test_a_row_computes_the_same_in_every_bucket_of_rows() -> None:
    one, rows = decoder(), prompts(9, 30, 21, 44, 60, 12)
    for slot, row in enumerate(rows):
        write(one, row, slot)
    alone = one.decode([7], [len(rows[0])])[0].clone()
    for count in range(2, SLOTS + 1):
        logits = one.decode([7] * count, [len(row) for row in rows[:count]])
        assert logits.shape == (count, tiny_models.VOCABULARY)
        assert torch.allclose(logits[0], alone, atol=1e-4)


def test_a_row_computes_the_same_in_every_bucket_of_lengths() -> None:
    one, (short, long) = decoder(), prompts(20, 400)
    write(one, short, 0)
    alone = one.decode([7], [len(short)])[0].clone()
    write(one, long, 1, chunk=100)
    assert torch.allclose(one.decode([7, 8], [20, 400])[0], alone, atol=1e-4)


def test_rows_that_fill_a_bucket_up_touch_no_slot_that_somebody_uses() -> None:
    one, rows = decoder(), prompts(9, 30, 21, 44)
    for slot, row in enumerate(rows):
        write(one, row, slot)
    before = one.decode([5, 6, 7, 8], [9, 30, 21, 44]).clone()
    one.decode([5, 6, 7], [9, 30, 21])  # the bucket has four rows
    one.warm_up()
    assert torch.equal(one.decode([5, 6, 7, 8], [9, 30, 21, 44]), before)


def test_a_moved_slot_goes_on_where_it_is() -> None:
    one, (first, second) = decoder(), prompts(9, 30)
    write(one, first, 0)
    write(one, second, 1)
    stayed = one.decode([5, 6], [9, 30])[1].clone()
    one.move(1, 0, len(second))
    assert torch.allclose(one.decode([6], [30])[0], stayed, atol=1e-4)


def test_a_last_position_of_the_context_can_be_decoded() -> None:
    one, (prompt,) = decoder(), prompts(CONTEXT - 1)
    write(one, prompt, 0, chunk=128)
    assert one.decode([3], [CONTEXT - 1]).isfinite().all()


def test_all_of_it_is_on_the_models_device() -> None:
    """Nothing is computed on the meta device, which refuses tensors that are elsewhere."""
    one = GraphDecoder(Llama(build("qwen3").to("meta")), slots=SLOTS, context=CONTEXT)
    with Watch():
        assert one.prefill([1, 2, 3], 0, 0).device.type == "meta"
        assert one.decode([1, 2, 3], [3, 300, 7]).device.type == "meta"
        one.move(0, 1, 3)


def test_what_is_captured_copies_nothing_from_the_host() -> None:
    one = GraphDecoder(Llama(build("qwen3").to("meta")), slots=SLOTS, context=CONTEXT)
    with CaptureWatch():
        one._step(4, 256)


def test_steps_come_in_powers_of_two_and_in_what_there_is() -> None:
    rows, lengths = Buckets(1, 36), Buckets(256, 1000)
    assert [rows.of(n) for n in (1, 2, 3, 5, 32, 33, 36)] == [1, 2, 4, 8, 32, 36, 36]
    assert [lengths.of(n) for n in (1, 256, 257, 513, 1000)] == [256, 256, 512, 1000, 1000]
    assert (list(lengths), list(Buckets(256, 100))) == ([1000, 512, 256], [100])
