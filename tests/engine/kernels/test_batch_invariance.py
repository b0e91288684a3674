"""In the kernels a request gives the same tokens alone, in any batch, and however it is chunked."""

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from inference.engine.kernels.decoder import KernelDecoder
from inference.engine.kernels.library import load_kernels
from inference.engine.llama import Llama
from inference.engine.text.tokenizer import Tokenizer
from tests.default_model import default_model_directory
from tests.engine import tiny_models
from tests.engine.batches import Bench, bench

SLOTS = 32
KEPT = 8
CONTEXT = 128
Request = dict[str, Any]


def tiny() -> KernelDecoder:
    model = tiny_models.build("llama", head_dim=32).bfloat16()
    return KernelDecoder(Llama(model), load_kernels(), slots=SLOTS + KEPT, context=CONTEXT)


def default() -> KernelDecoder:
    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(default_model_directory(), dtype=torch.bfloat16)
    return KernelDecoder(Llama(model), load_kernels(), slots=SLOTS + KEPT, context=CONTEXT)


def requests(count: int, vocabulary: int) -> list[Request]:
    """Return random prompts, every second one sampled, every fourth after a common beginning."""
    source = random.Random(1)
    common = [source.randrange(vocabulary) for _ in range(40)]
    made = []
    for number in range(count):
        prompt = [source.randrange(vocabulary) for _ in range(source.randint(1, 50))]
        sampled = {"temperature": 1.2, "top_p": 0.95, "seed": number} if number % 2 else {}
        made.append({"prompt": common + prompt if number % 4 < 1 else prompt, **sampled})
    return made


def run(engine: Bench, wanted: list[tuple[int, Request]]) -> dict[str, str]:
    for number, request in wanted:
        engine.submit(f"{number}", max_tokens=12, ignore_eos=True, **request)
    return engine.finish().texts


@pytest.mark.parametrize(("model", "count"), [(tiny, 200), (default, 16)])
@torch.inference_mode()
def test_tokens_are_the_same_alone_and_in_any_mix(model: Any, count: int, tmp_path: Path) -> None:
    decoder = model()
    tokenizer = Tokenizer.load(default_model_directory()) if model is default else None
    start = partial(bench, tmp_path, slots=SLOTS, decoder=decoder, tokenizer=tokenizer)
    wanted = list(enumerate(requests(count, decoder.vocabulary_size)))
    alone: dict[str, str] = {}
    for one in wanted:
        alone.update(run(start(prefill_budget=CONTEXT), [one]))
    assert len(set(alone.values())) > count // 2
    source = random.Random(2)
    for budget in (7, 33):  # prompt tokens a step: another chunking each, and another company
        source.shuffle(wanted)
        engine = start(kept_slots=KEPT, max_waiting=count, prefill_budget=budget)
        assert run(engine, wanted) == alone


@torch.inference_mode()
def test_logits_are_the_same_to_the_bit() -> None:
    decoder, source = tiny(), random.Random(3)
    prompts = [[source.randrange(500) for _ in range(source.randint(2, 100))] for _ in range(SLOTS)]
    whole = [decoder.prefill(prompt, 0, 0) for prompt in prompts]
    alone = []
    for prompt in prompts:
        decoder.prefill(prompt, 0, 0)
        alone.append(decoder.decode([7], [len(prompt)]))
    for slot, prompt in enumerate(prompts):
        for start in range(0, len(prompt), chunk := source.randint(1, 60)):
            last = decoder.prefill(prompt[start : start + chunk], slot, start)
        assert torch.equal(last, whole[slot])
    together = decoder.decode([7] * SLOTS, [len(prompt) for prompt in prompts])
    assert torch.equal(together, torch.cat(alone))
