"""A model is compared with `generate` when it is loaded, and what is wrong is not served."""

import io
import json
from pathlib import Path

import pytest
import torch

from inference.engine.config import RunnerConfig
from inference.engine.decoder import Decoder
from inference.engine.linear import PackedLinear, pack_linears
from inference.engine.loading import DecoderLoader
from inference.engine.log import Log
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.statistics import Statistics
from inference.engine.verification import Reference, references, verify
from tests.engine import tiny_models


def expected(family: str) -> list[Reference]:
    return references(tiny_models.build(family), context=128, slots=4)


@torch.inference_mode()
def test_a_right_decoder_passes_on_every_token() -> None:
    verdict = verify(
        Decoder(tiny_models.build("llama"), slots=4, context=128), expected("llama"), torch.float32
    )
    assert verdict.passed
    assert (verdict.compared, verdict.undecided, verdict.wrong) == (24, 0, 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_positions_off_by_one_are_found_in_either_dtype(dtype: torch.dtype) -> None:
    decoder = Decoder(tiny_models.build("llama"), slots=4, context=128)
    right = decoder.decode
    wrong = lambda tokens, positions: right(tokens, [p + 1 for p in positions])  # noqa: E731
    decoder.decode = wrong  # type: ignore[method-assign]
    assert not verify(decoder, expected("llama"), dtype).passed


@torch.inference_mode()
def test_a_window_that_is_ignored_is_found() -> None:
    decoder = Decoder(tiny_models.build("mistral", sliding_window=None), slots=4, context=128)
    assert not verify(decoder, expected("mistral"), torch.bfloat16).passed


def rivalled(reference: Reference, lead: float) -> Reference:
    """Return a reference in which another token beats the best one by `lead` at each position."""
    logits = reference.logits.clone()
    best, second = logits.topk(2, -1)
    logits.scatter_(-1, second[:, 1:], best[:, :1] + lead)
    return reference._replace(logits=logits)


@pytest.mark.parametrize(
    ("dtype", "lead", "wrong"),
    [(torch.bfloat16, 1e-3, 0), (torch.float32, 1e-3, 24), (torch.bfloat16, 1e3, 24)],
)
@torch.inference_mode()
def test_another_token_is_accepted_only_in_bfloat16_and_within_rounding(
    dtype: torch.dtype, lead: float, wrong: int
) -> None:
    decoder = Decoder(tiny_models.build("llama"), slots=4, context=128)
    verdict = verify(decoder, [rivalled(each, lead) for each in expected("llama")], dtype)
    assert (verdict.undecided, verdict.wrong) == (24 - wrong, wrong)


@torch.inference_mode()
def test_a_model_of_nans_never_passes() -> None:
    model = tiny_models.build("llama")
    model.lm_head.weight.fill_(torch.nan)
    assert not verify(
        Decoder(model, slots=4, context=128), expected("llama"), torch.bfloat16
    ).passed


def loader(directory: Path, log: io.StringIO, statistics: Statistics) -> DecoderLoader:
    config = RunnerConfig("tiny", str(directory), "unused", dtype="float32", context_length=128)
    return DecoderLoader(config, ModelDirectory(directory), statistics, Log("tiny", log))


@torch.inference_mode()
def test_packed_linears_that_compute_something_else_give_way_to_plain_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_models.save("llama", tmp_path)
    right = PackedLinear.forward
    monkeypatch.setattr(PackedLinear, "forward", lambda self, x: -right(self, x))
    log, statistics = io.StringIO(), Statistics()
    loader(tmp_path, log, statistics).load()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["event"], line["tier"]) for line in lines] == [
        ("tier_passed_over", "C"),  # kernels are for bfloat16
        ("tier_rejected", "B"),
        ("tier_passed_over", "A"),
        ("tier_rejected", "A"),
        ("verified", "A"),
    ]
    assert "equal to generate" in lines[1]["reason"]
    assert "plain linears; 24 of 24" in statistics.detail


@torch.inference_mode()
def test_a_model_that_plain_linears_do_not_save_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_models.save("phi3", tmp_path)  # no Llama: only tier A can run it
    right = Decoder.decode
    monkeypatch.setattr(Decoder, "decode", lambda self, tokens, at: -right(self, tokens, at))
    with pytest.raises(LoadError, match="does not run right"):
        loader(tmp_path, io.StringIO(), Statistics()).load()


@torch.inference_mode()
def test_more_cache_than_the_machine_has_memory_is_refused(tmp_path: Path) -> None:
    tiny_models.save("llama", tmp_path, max_position_embeddings=2**30)
    directory = ModelDirectory(tmp_path)
    config = RunnerConfig(
        "tiny", str(tmp_path), "unused", dtype="float32", context_length=2**27, slots=512
    )
    with pytest.raises(LoadError, match="lower slots or context_length"):
        DecoderLoader(config, directory, Statistics(), Log("tiny", io.StringIO())).load()


@torch.inference_mode()
def test_unknown_kinds_of_layers_are_refused() -> None:
    model = tiny_models.build("qwen2")
    model.config.layer_types = ["linear_attention"] * 4
    with pytest.raises(LoadError, match="linear_attention"):
        Decoder(model, slots=2, context=64)


@torch.inference_mode()
def test_every_linear_of_a_model_is_packed() -> None:
    model = tiny_models.build("llama")
    assert pack_linears(model) == 4 * 7 + 1
    assert not [m for m in model.modules() if type(m) is torch.nn.Linear]
