"""On a card the graphs come first; a tier that fails there gives way to the next."""

import io
import json
from typing import Any

import pytest
import torch

from inference.engine.decoder import Decoder
from inference.engine.fused import FusedDecoder
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.log import Log
from inference.engine.tiers import Chosen, Tiers
from inference.engine.verification import references
from tests.engine import tiny_models


@torch.inference_mode()
def choose(family: str, device: str = "cuda:0") -> tuple[Chosen, list[dict[str, str]]]:
    """Choose among the tiers of `device` for a model that is, all the same, on the CPU."""

    def read() -> Any:
        return tiny_models.build(family, sliding_window=None)

    log, model = io.StringIO(), read()
    expected = references(model, context=128, slots=4)
    tiers = Tiers("float32", slots=4, context=128, device=torch.device(device))
    chosen = tiers.choose(read, model, expected, Log("tiny", log))
    return chosen, [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_llama_is_run_in_graphs_and_nothing_need_be_said() -> None:
    chosen, lines = choose("llama")
    assert (chosen.tier.letter, type(chosen.decoder), lines) == ("G", GraphDecoder, [])


def test_what_is_no_llama_is_run_by_its_own_modules() -> None:
    chosen, lines = choose("gpt2")
    assert (chosen.tier.letter, type(chosen.decoder)) == ("A", Decoder)
    assert [line["tier"] for line in lines] == ["G", "B"]
    assert "not of the Llama family" in lines[0]["reason"]


def test_on_the_cpu_nothing_is_run_in_graphs() -> None:
    tiers = Tiers("float32", slots=4, context=128)
    assert "G" not in {tier.letter for tier in tiers.all()}


def test_where_a_capture_fails_the_fused_forward_serves_and_one_line_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

    monkeypatch.setattr(GraphDecoder, "decode", fail)
    chosen, lines = choose("llama")
    assert (chosen.tier.letter, type(chosen.decoder)) == ("B", FusedDecoder)
    assert [(line["event"], line["tier"]) for line in lines] == [("tier_rejected", "G")]
    assert "stream is capturing" in lines[0]["reason"]
