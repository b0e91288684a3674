"""On a real CUDA device: graphs are captured and replayed, and give what they give on the CPU.

Needs a card, and that it is named: CUDA_VISIBLE_DEVICES=0 pytest tests/engine/devices
"""

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.choice import choose
from inference.engine.config import RunnerConfig
from inference.engine.graphs.choice import GraphChoice
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.llama import Llama
from inference.engine.loading import DecoderLoader
from inference.engine.log import Log
from inference.engine.model_directory import ModelDirectory
from inference.engine.statistics import Statistics
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.verification import references, verify
from tests.engine import tiny_models
from tests.engine.graphs.flying import flying, waiting
from tests.engine.graphs.test_choice_in_graphs import SETTINGS, logits
from tests.engine.graphs.test_engine_in_graphs import KEPT, REQUESTS, SLOTS, run
from tests.engine.sequences import sequence, tokenizer

__all__ = ["tokenizer"]  # a fixture
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
CARD = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_captured_steps_give_what_generate_gives(family: str, dtype: torch.dtype) -> None:
    model = tiny_models.build(family).to(dtype).to(CARD)
    expected = references(model, context=512, slots=4)
    decoder = GraphDecoder(Llama(model), slots=4, context=512)
    decoder.warm_up()
    assert verify(decoder, expected, dtype).passed


def test_tokens_are_those_that_the_cpu_chooses(tokenizer: Tokenizer) -> None:
    choice = GraphChoice(torch.zeros(16, dtype=torch.long, device=CARD), 5120)
    choice.warm_up()
    ours = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(SETTINGS)]
    theirs = [sequence(tokenizer, seed=n, **one) for n, one in enumerate(SETTINGS)]
    for step in range(50):
        rows = logits(5120, torch.float32, step)
        assert choice(rows.to(CARD), ours) == choose(rows, theirs)


@pytest.mark.parametrize(("family", "tier"), [("llama", "G"), ("gpt2", "A"), ("gemma3_text", "A")])
def test_a_model_is_loaded_and_verified_there(tmp_path: Path, family: str, tier: str) -> None:
    tiny_models.save(family, tmp_path)
    config = RunnerConfig(
        "tiny", str(tmp_path), "unused", dtype="float32", device="cuda:0", context_length=128
    )
    statistics, log = Statistics(), io.StringIO()
    loader: Any = DecoderLoader(config, ModelDirectory(tmp_path), statistics, Log("", log))
    assert loader.load().device == CARD
    assert (statistics.tier, statistics.device) == (tier, "cuda:0"), log.getvalue()


@pytest.mark.parametrize("seed", range(3))
def test_a_step_in_flight_changes_no_text(tmp_path: Path, seed: int) -> None:
    order = list(range(len(REQUESTS)))
    ours, theirs = (
        run(start(tmp_path, slots=SLOTS, kept_slots=KEPT, device=CARD), order, seed)
        for start in (flying, waiting)
    )
    assert len(ours.ends) == 2 * len(order)
    assert ours.texts == theirs.texts
