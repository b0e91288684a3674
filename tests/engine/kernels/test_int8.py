"""Weights in int8: what the kernels make of them is what their rounded numbers make in torch."""

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from inference.engine.config import RunnerConfig
from inference.engine.kernels.build import KernelsUnavailableError
from inference.engine.kernels.decoder import KernelDecoder
from inference.engine.kernels.library import load_kernels
from inference.engine.kernels.linear import KernelLinear
from inference.engine.kernels.packing import packed_bytes
from inference.engine.llama import Llama
from inference.engine.loading import DecoderLoader
from inference.engine.log import Log
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.rounding import GROUP, round_linears, rounded
from inference.engine.runner import check
from inference.engine.statistics import Statistics
from tests.engine import tiny_models

ROUNDS = range(20)
SLOTS = 32
CONTEXT = 128


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def between(least: int, most: int, generator: torch.Generator) -> int:
    return int(torch.randint(least, most + 1, (), generator=generator))


@pytest.mark.parametrize("seed", ROUNDS)
def test_a_linear_gives_what_torch_gives_with_the_rounded_weight(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs, inputs = between(1, 300, generator), 2 * between(1, 900, generator)
    weight = torch.randn(outputs, inputs, generator=generator)
    weight[between(0, outputs - 1, generator), :GROUP] = 0  # a group without a scale
    bias = torch.randn(outputs, generator=generator) if seed % 2 else None
    kernels = load_kernels()
    x = torch.randn(between(1, 70, generator), inputs, generator=generator).to(kernels.activation)
    made = KernelLinear(weight, bias, kernels, torch.int8)(x.float())
    exact = None if bias is None else bias.double()
    wanted = functional.linear(x.double(), rounded(weight).double(), exact)
    torch.testing.assert_close(made.double(), wanted, atol=2e-3, rtol=1e-4)


@pytest.mark.parametrize("seed", ROUNDS)
def test_a_row_is_the_same_to_the_bit_in_any_company(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs, inputs = between(1, 200, generator), 2 * between(1, 1500, generator)
    weight = torch.randn(outputs, inputs, generator=generator)
    layer = KernelLinear(weight, None, load_kernels(), torch.int8)
    x = torch.randn(70, inputs, generator=generator)
    alone = torch.cat([layer(row[None]) for row in x])
    for rows in (2, 3, 5, 6, 13, 48, 49, 70):
        assert torch.equal(layer(x[:rows]), alone[:rows])


def test_a_weight_moves_by_half_a_unit_of_its_group_and_then_no_more() -> None:
    weight = torch.randn(7, 150) * torch.logspace(-3, 3, 7)[:, None]
    once = rounded(weight)
    for start in range(0, 150, GROUP):
        group = slice(start, start + GROUP)
        unit = weight[:, group].abs().amax(-1, keepdim=True) / 127
        assert ((once - weight)[:, group].abs() <= unit * 0.5001).all()
    torch.testing.assert_close(rounded(once), once, atol=0, rtol=1e-6)


def test_a_weight_that_is_no_number_is_not_hidden() -> None:
    for bad in (torch.nan, torch.inf):
        weight = torch.ones(3, 2 * GROUP)
        weight[1, 70] = bad
        made = KernelLinear(weight, None, load_kernels(), torch.int8)(torch.ones(2, 2 * GROUP))
        assert made.isnan().tolist() == [[False, True, False]] * 2


def test_it_takes_little_more_than_half_of_the_memory() -> None:
    shapes = [(2048, 1024)]
    kernels = load_kernels()
    halves = packed_bytes(kernels, shapes, torch.bfloat16)
    assert packed_bytes(kernels, shapes, torch.int8) < 0.54 * halves


def test_an_embedding_that_shares_its_numbers_with_the_head_keeps_them() -> None:
    model = tiny_models.build("llama", tie_word_embeddings=True)
    rows = model.get_input_embeddings().weight.clone()
    round_linears(model)
    assert torch.equal(model.get_input_embeddings().weight, rows)
    assert torch.equal(model.lm_head.weight, rounded(rows))
    assert not torch.equal(model.lm_head.weight, rows)


def test_logits_are_the_same_to_the_bit_alone_and_together_and_however_prompts_are_cut() -> None:
    model = tiny_models.build("llama", head_dim=32)
    decoder = KernelDecoder(
        Llama(model), load_kernels(), slots=SLOTS, context=CONTEXT, stored=torch.int8
    )
    source = random.Random(3)
    prompts = [[source.randrange(500) for _ in range(source.randint(2, 100))] for _ in range(SLOTS)]
    alone, whole = [], []
    for prompt in prompts:
        whole.append(decoder.prefill(prompt, 0, 0))
        alone.append(decoder.decode([7], [len(prompt)]))
    for slot, prompt in enumerate(prompts):
        for start in range(0, len(prompt), chunk := source.randint(1, 60)):
            last = decoder.prefill(prompt[start : start + chunk], slot, start)
        assert torch.equal(last, whole[slot])
    together = decoder.decode([7] * SLOTS, [len(prompt) for prompt in prompts])
    assert torch.equal(together, torch.cat(alone))


def load(directory: Path, family: str, **changes: Any) -> tuple[Statistics, list[dict[str, str]]]:
    tiny_models.save(family, directory, **changes)
    log, statistics = io.StringIO(), Statistics()
    config = RunnerConfig("tiny", str(directory), "unused", dtype="int8", context_length=CONTEXT)
    DecoderLoader(config, ModelDirectory(directory), statistics, Log("", log)).load()
    return statistics, [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_llama_is_checked_against_generate_with_its_rounded_weights(tmp_path: Path) -> None:
    statistics, lines = load(tmp_path, "llama", head_dim=32)
    assert statistics.tier == "C"
    assert "kernels, int8 weights; " in statistics.detail
    assert " 0 wrong" in statistics.detail
    assert [line["event"] for line in lines] == ["verified"]


def test_other_families_have_their_linears_in_int8(tmp_path: Path) -> None:
    statistics, _ = load(tmp_path, "gemma3_text")
    assert statistics.tier == "A"
    assert "kernel linears, int8 weights; " in statistics.detail


def test_without_kernels_the_rounded_weights_are_computed_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise KernelsUnavailableError("there is no C++ compiler")

    monkeypatch.setattr("inference.engine.tiers.load_kernels", none)
    statistics, lines = load(tmp_path, "qwen3")
    assert (statistics.tier, statistics.detail[:7]) == ("B", "float32")
    assert lines[0]["reason"] == "there is no C++ compiler"


def test_only_chat_models_are_rounded() -> None:
    with pytest.raises(LoadError, match="dtype int8 is for the task chat"):
        check(RunnerConfig("tiny", "unused", "unused", task="embeddings", dtype="int8"))
