"""A model goes where it was asked to go, or where it fits; what is absent is refused by name."""

import io
import json
from pathlib import Path

import pytest
import torch

from inference.engine.config import RunnerConfig
from inference.engine.devices import Cards, Place, place
from inference.engine.footprint import RESERVE_BYTES
from inference.engine.loading import DecoderLoader
from inference.engine.log import Log
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.statistics import Statistics
from tests.engine import tiny_models
from tests.engine.devices.watched import GIB, FewCards


def config(device: str, **more: object) -> RunnerConfig:
    return RunnerConfig("tiny", "/nowhere", "unused", device=device, **more)  # type: ignore[arg-type]


def placed(asked: RunnerConfig, cards: Cards, needed: int = GIB) -> tuple[Place, str]:
    """Return where a model that needs so many bytes of a card goes, and what was said."""
    said = io.StringIO()

    def fit(there: Place) -> None:
        if there.on_card and needed > (cards.available(there) or 0):
            raise LoadError("the model does not fit")

    return place(asked, fit, Log("tiny", said), cards), said.getvalue()


@pytest.mark.parametrize(
    ("device", "expected"),
    [("auto", "cuda:1"), ("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu")],
)
def test_it_goes_where_it_was_asked_to_and_else_to_the_card_with_most_room(
    device: str, expected: str
) -> None:
    found, said = placed(config(device), FewCards(2 * GIB, 3 * GIB))
    assert (str(found.device), said) == (expected, "")


def test_auto_without_a_card_is_the_cpu_and_nothing_need_be_said() -> None:
    found, said = placed(config("auto"), FewCards())
    assert (str(found.device), said) == ("cpu", "")


def test_auto_passes_over_a_card_that_is_too_small_and_says_so() -> None:
    found, said = placed(config("auto"), FewCards(GIB), needed=2 * GIB)
    assert str(found.device) == "cpu"
    assert json.loads(said)["event"] == "device_passed_over"
    assert json.loads(said)["reason"] == "the model does not fit"


def test_a_card_that_was_asked_for_and_is_too_small_is_an_error() -> None:
    with pytest.raises(LoadError, match="does not fit"):
        placed(config("cuda:0"), FewCards(GIB), needed=2 * GIB)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_a_device_that_is_not_there_is_refused_with_the_remedy(device: str) -> None:
    with pytest.raises(LoadError) as refused:
        placed(config(device), FewCards())
    assert f"device is {device}, and it is not there" in str(refused.value)
    assert "choose auto or cpu" in str(refused.value)


def test_bfloat16_is_computed_in_float32_on_a_card_that_only_emulates_it() -> None:
    assert placed(config("cuda"), FewCards(2 * GIB))[0].dtype == torch.bfloat16
    assert placed(config("cuda"), FewCards(2 * GIB, bfloat16=False))[0].dtype == torch.float32


def test_int8_weights_stay_on_the_cpu_where_nobody_asked_for_more() -> None:
    found, _ = placed(config("auto", dtype="int8"), FewCards(2 * GIB))
    assert str(found.device) == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
@torch.inference_mode()
def test_auto_leaves_a_card_that_fails_and_says_so(tmp_path: Path) -> None:
    """There is no card behind the numbers, so whatever is asked of it fails."""
    tiny_models.save("llama", tmp_path)
    asked = RunnerConfig("tiny", str(tmp_path), "unused", dtype="float32", context_length=128)
    statistics, said = Statistics(), io.StringIO()
    directory, cards = ModelDirectory(tmp_path), FewCards(2 * GIB)
    loader = DecoderLoader(asked, directory, statistics, Log("", said), cards=cards)
    assert (statistics.device, loader.prefill_budget) == ("cuda:0", 512)
    assert loader.load().device == torch.device("cpu")
    assert (statistics.device, loader.prefill_budget) == ("cpu", 128)
    events = [json.loads(line)["event"] for line in said.getvalue().splitlines()]
    assert events[0] == "device_rejected"
    assert loader.headroom().growth(0, 128) > 0  # here memory is taken when it is written


def test_the_whole_cache_must_fit_on_a_card(tmp_path: Path) -> None:
    tiny_models.save("llama", tmp_path)
    asked = RunnerConfig(
        "tiny", str(tmp_path), "unused", dtype="float32", device="cuda", slots=8, kept_slots=4
    )
    directory, log = ModelDirectory(tmp_path), Log("", io.StringIO())
    # Of each of 4 layers: keys and values of 2 heads of 16 in 4 bytes, for 512 positions.
    slot = 4 * 2 * 2 * 16 * 4 * 512
    with pytest.raises(LoadError, match="keys and values of 13 slots") as refused:
        DecoderLoader(asked, directory, Statistics(), log, cards=FewCards(RESERVE_BYTES))
    assert f"{13 * slot / 2**20:,.0f} MiB for keys" in str(refused.value)  # one is scratch
    statistics = Statistics()
    loader = DecoderLoader(asked, directory, statistics, log, cards=FewCards(2 * GIB))
    assert statistics.device == "cuda:0"
    assert loader.headroom().growth(0, 512) == 0  # it is taken already
