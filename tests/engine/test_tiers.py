"""Every tier gives what `generate` gives; the fastest that works here is taken."""

import io
import json
from typing import Any

import pytest
import torch

from inference.engine.decoder import Decoder
from inference.engine.fused import FusedDecoder
from inference.engine.kernels.build import KernelsUnavailableError
from inference.engine.kernels.decoder import KernelDecoder
from inference.engine.kernels.library import load_kernels
from inference.engine.kernels.linear import KernelLinear
from inference.engine.linear import pack_linears
from inference.engine.llama import Llama, unlike_llama
from inference.engine.log import Log
from inference.engine.model_directory import LoadError
from inference.engine.tiers import Chosen, Tiers
from inference.engine.verification import references, verify
from tests.engine import tiny_models

CONTEXT = 128
WIDE = {"head_dim": 32}  # as the widest vectors need it
LLAMAS: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama with biases": {"attention_bias": True, "mlp_bias": True},
    "llama with scaled positions": {
        "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        }
    },
    "llama with one key head": {"num_key_value_heads": 1, "tie_word_embeddings": True},
    "llama with a key head each": {"num_key_value_heads": 4},
    "mistral": {"sliding_window": None},
    "qwen2": {},
    "qwen3": {},
}  # fmt: skip


def build(name: str) -> Any:
    """Return a model whose weights are bfloat16's, to be computed in float32."""
    model = tiny_models.build(name.split()[0], **WIDE, **LLAMAS[name])
    for parameter in model.parameters():  # so that biases and norms matter
        if parameter.dim() == 1:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model.bfloat16().float()


@pytest.mark.parametrize("name", LLAMAS)
@torch.inference_mode()
def test_the_fused_forward_gives_every_token_of_generate(name: str) -> None:
    model = build(name)
    expected = references(model, context=CONTEXT, slots=4)
    decoder = FusedDecoder(Llama(model), slots=4, context=CONTEXT)
    verdict = verify(decoder, expected, torch.float32)
    assert (verdict.compared, verdict.wrong) == (24, 0)


@pytest.mark.parametrize("name", LLAMAS)
@torch.inference_mode()
def test_the_kernels_give_the_tokens_of_generate(name: str) -> None:
    model = build(name)
    expected = references(model, context=CONTEXT, slots=4)
    decoder = KernelDecoder(Llama(model), load_kernels(), slots=4, context=CONTEXT)
    verdict = verify(decoder, expected, torch.bfloat16)
    assert (verdict.compared, verdict.wrong) == (24, 0)


@pytest.mark.parametrize("family", ["gemma3_text", "gpt2", "phi3", "qwen3_moe", "opt"])
@torch.inference_mode()
def test_the_kernels_linears_serve_other_families_too(family: str) -> None:
    model = tiny_models.build(family).bfloat16().float()
    expected = references(model, context=CONTEXT, slots=4)
    kernels = load_kernels()
    assert pack_linears(model, lambda weight, bias: KernelLinear(weight, bias, kernels)) > 4
    decoder = Decoder(model, slots=4, context=CONTEXT)
    assert verify(decoder, expected, torch.bfloat16).passed


@torch.inference_mode()
def choose(name: str, dtype: Any = "bfloat16") -> tuple[Chosen, list[dict[str, str]]]:
    log = io.StringIO()
    model = build(name)
    expected = references(model, context=CONTEXT, slots=4)
    tiers = Tiers(dtype, slots=4, context=CONTEXT)
    chosen = tiers.choose(lambda: build(name), model, expected, Log("tiny", log))
    return chosen, [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_llama_in_bfloat16_is_run_by_the_kernels_and_nothing_need_be_said() -> None:
    chosen, lines = choose("llama")
    assert chosen.tier.letter == "C"
    assert lines == []


def test_a_llama_in_float32_is_run_fused() -> None:
    chosen, lines = choose("llama", "float32")
    assert chosen.tier.letter == "B"
    assert [line["reason"] for line in lines] == ["kernels hold no weights in float32"]


def test_without_a_compiler_the_fused_forward_serves_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> None:
        raise KernelsUnavailableError("there is no C++ compiler")

    monkeypatch.setattr("inference.engine.tiers.load_kernels", none)
    chosen, lines = choose("qwen3")
    assert chosen.tier.letter == "B"
    assert [(line["event"], line["tier"]) for line in lines] == [("tier_passed_over", "C")]
    assert lines[0]["reason"] == "there is no C++ compiler"


def test_only_the_tiers_that_are_named_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_TIERS", "A")
    chosen, lines = choose("llama")
    assert (chosen.tier.letter, lines) == ("A", [])
    monkeypatch.setenv("ENGINE_TIERS", "Z")
    with pytest.raises(LoadError, match="look at ENGINE_TIERS"):
        choose("llama")


def test_kernels_that_compute_something_else_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    right = KernelDecoder.decode
    monkeypatch.setattr(KernelDecoder, "decode", lambda self, tokens, at: -right(self, tokens, at))
    chosen, lines = choose("qwen2")
    assert chosen.tier.letter == "B"
    assert [(line["event"], line["tier"]) for line in lines] == [("tier_rejected", "C")]


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("gemma2", {}, "not of the Llama family"),
        ("mistral", {}, "16 tokens only"),
        ("llama", {"hidden_act": "gelu"}, "activation is gelu"),
        (
            "llama",
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
            "scaled by dynamic",
        ),
    ],
)
def test_what_only_looks_like_a_llama_is_left_to_its_own_modules(
    family: str, changes: dict[str, Any], reason: str
) -> None:
    assert reason in unlike_llama(tiny_models.build(family, **changes), CONTEXT)


@torch.inference_mode()
def test_tokens_and_positions_beyond_the_model_never_reach_the_kernels() -> None:
    decoder = KernelDecoder(Llama(build("llama")), load_kernels(), slots=2, context=CONTEXT)
    with pytest.raises(IndexError):
        decoder.decode([tiny_models.VOCABULARY], [0])
    with pytest.raises(IndexError):
        decoder.prefill([1, 1], 0, CONTEXT - 1)
