"""Which engine a decoder is run by."""

from typing import Any

import torch

from inference.engine.decoder import SlotDecoder
from inference.engine.devices import ON_CPU
from inference.engine.engine import Engine
from inference.engine.graphs.choice import GraphChoice
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.graphs.engine import FlyingEngine
from inference.engine.log import Log
from inference.engine.sampler import Sampler
from inference.engine.scheduler import Scheduler
from inference.engine.text.tokenizer import Tokenizer


def engine_of(
    decoder: SlotDecoder, tokenizer: Tokenizer, scheduler: Scheduler, *, log: Log, **more: Any
) -> Engine:
    """Return an engine that is ready to step; on a card it chooses tokens there."""
    parts = (decoder, tokenizer, scheduler)
    if decoder.device == ON_CPU:
        return Engine(*parts, log=log, **more)
    choice = _choice(decoder, scheduler.slots)
    try:
        choice.warm_up()
    except RuntimeError as error:  # torch's; tokens can be chosen without graphs
        log.event("choice_not_captured", reason=str(error))
        return Engine(*parts, log=log, sampler=Sampler(decoder.device), **more)
    if isinstance(decoder, GraphDecoder):
        return FlyingEngine(decoder, tokenizer, scheduler, choice=choice, log=log, **more)
    return Engine(*parts, log=log, sampler=Sampler(decoder.device, choice), **more)


def _choice(decoder: SlotDecoder, rows: int) -> GraphChoice:
    if isinstance(decoder, GraphDecoder):
        return GraphChoice(decoder.chosen, decoder.vocabulary_size, flights=2)
    chosen = torch.zeros(rows, dtype=torch.long, device=decoder.device)
    return GraphChoice(chosen, decoder.vocabulary_size)
