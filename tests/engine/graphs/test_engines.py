"""A decoder on a card gets an engine that chooses tokens there; one on the CPU stays as it was."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.choice import choose
from inference.engine.decoder import Decoder, SlotDecoder
from inference.engine.engine import Engine
from inference.engine.graphs.choice import GraphChoice
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.graphs.engine import FlyingEngine
from inference.engine.graphs.engines import engine_of
from inference.engine.llama import Llama
from inference.engine.log import Log
from inference.engine.scheduler import Scheduler
from inference.engine.statistics import Statistics
from inference.engine.text.tokenizer import Tokenizer
from tests.engine import tiny_models


@pytest.fixture(autouse=True)
def _inference_mode() -> object:
    with torch.inference_mode():
        yield


def made_for(decoder: SlotDecoder, directory: Path) -> tuple[Engine, Any, str]:
    """Return the engine, what chooses its tokens, and what was said."""
    tiny_models.tokenizer().save_pretrained(directory)
    said = io.StringIO()
    engine = engine_of(
        decoder,
        Tokenizer.load(directory),
        Scheduler(slots=2, max_waiting=2, prefill_budget=16),
        context_length=64,
        statistics=Statistics(),
        log=Log("tiny", said),
        deliver=lambda frames: None,
    )
    return engine, engine._sampler._choose, said.getvalue()


def llama(device: str) -> Any:
    return tiny_models.build("llama").to(device)


def test_graphs_are_run_with_a_step_in_flight(tmp_path: Path) -> None:
    """The meta device stands for a card: what is prepared needs no numbers."""
    decoder = GraphDecoder(Llama(llama("meta")), slots=2, context=64)
    engine, chooses, said = made_for(decoder, tmp_path)
    assert (type(engine), type(chooses), said) == (FlyingEngine, GraphChoice, "")


def test_a_models_own_modules_are_run_step_by_step(tmp_path: Path) -> None:
    engine, chooses, said = made_for(Decoder(llama("meta"), slots=2, context=64), tmp_path)
    assert (type(engine), type(chooses), said) == (Engine, GraphChoice, "")


def test_on_the_cpu_tokens_are_chosen_as_ever(tmp_path: Path) -> None:
    engine, chooses, said = made_for(Decoder(llama("cpu"), slots=2, context=64), tmp_path)
    assert (type(engine), chooses, said) == (Engine, choose, "")


def test_where_the_choice_cannot_be_captured_it_is_done_without_and_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: GraphChoice) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(GraphChoice, "warm_up", fail)
    decoder = GraphDecoder(Llama(llama("meta")), slots=2, context=64)
    engine, chooses, said = made_for(decoder, tmp_path)
    assert (type(engine), chooses) == (Engine, choose)
    assert json.loads(said)["event"] == "choice_not_captured"
