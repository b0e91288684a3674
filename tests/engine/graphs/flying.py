"""Engines over tier G: one that waits for each step, and one with a step in flight."""

from functools import partial
from pathlib import Path
from typing import Any

from inference.engine.devices import ON_CPU
from inference.engine.engine import Engine
from inference.engine.graphs.choice import GraphChoice
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.graphs.engine import FlyingEngine
from inference.engine.llama import Llama
from inference.engine.sampler import Sampler
from tests.engine import tiny_models
from tests.engine.batches import CONTEXT, Bench, bench


def waiting(directory: Path, *, slots: int, kept_slots: int = 0, **more: Any) -> Bench:
    decoder = _decoder(slots + kept_slots, more)
    choice = GraphChoice(decoder.chosen, tiny_models.VOCABULARY)
    make = partial(Engine, sampler=Sampler(decoder.device, choice))
    return bench(directory, slots=slots, kept_slots=kept_slots, decoder=decoder, make=make, **more)


def flying(directory: Path, *, slots: int, kept_slots: int = 0, **more: Any) -> Bench:
    decoder = _decoder(slots + kept_slots, more)
    choice = GraphChoice(decoder.chosen, tiny_models.VOCABULARY, flights=2)
    make = partial(FlyingEngine, choice=choice)
    return bench(directory, slots=slots, kept_slots=kept_slots, decoder=decoder, make=make, **more)


def _decoder(slots: int, more: dict[str, Any]) -> GraphDecoder:
    model = tiny_models.build("llama").to(more.pop("device", ON_CPU))
    return GraphDecoder(Llama(model), slots=slots, context=CONTEXT)
