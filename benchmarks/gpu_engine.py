"""Our engine in process: everything but the socket."""

import io
import tempfile
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models
from transformers import PreTrainedTokenizerFast

from benchmarks.gpu_load import Load
from inference.engine.graphs.choice import GraphChoice
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.graphs.engine import FlyingEngine
from inference.engine.llama import Llama
from inference.engine.log import Log
from inference.engine.scheduler import Scheduler
from inference.engine.statistics import Statistics
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.wire import Finished, Message, Sampling, Submit

BUDGET: Final = 512  # prompt tokens a step, as on a card


class OurEngine:
    """Tier G, tokens chosen in graphs, and a step in flight."""

    def __init__(self, model: Any, load: Load) -> None:
        """Take the weights out of `model`."""
        slots = max(load.rows)
        self._load = load
        self._made = 0
        decoder = GraphDecoder(Llama(model), slots=slots, context=load.context)
        choice = GraphChoice(decoder.chosen, decoder.vocabulary_size, flights=2)
        decoder.warm_up()
        choice.warm_up()
        self._engine = FlyingEngine(
            decoder,
            _tokenizer(decoder.vocabulary_size),
            Scheduler(slots=slots, max_waiting=slots, prefill_budget=BUDGET),
            context_length=load.context,
            statistics=Statistics(),
            log=Log("", io.StringIO()),
            deliver=self._count,
            choice=choice,
        )

    def run(self, prompts: list[list[int]]) -> int:
        """Answer all prompts; return how many tokens were made."""
        self._made = 0
        for number, prompt in enumerate(prompts):
            asked = Submit(str(number), prompt, self._load.made, Sampling(), ignore_eos=True)
            self._engine.submit("benchmark", asked)
        while self._engine.busy:
            self._engine.step()
        return self._made

    def _count(self, delivered: list[tuple[Hashable, list[Message]]]) -> None:
        for _, messages in delivered:
            ends = [one for one in messages if isinstance(one, Finished)]
            self._made += sum(one.usage.completion_tokens for one in ends)


def _tokenizer(vocabulary: int) -> Tokenizer:
    """Return a tokenizer of which every token is a word."""
    words = {f" {number}": number for number in range(vocabulary)}
    backend = Backend(models.WordLevel(vocab=words, unk_token=" 0"))
    backend.decoder = decoders.Fuse()
    fast: Any = PreTrainedTokenizerFast
    with tempfile.TemporaryDirectory() as directory:
        fast(tokenizer_object=backend).save_pretrained(directory)
        return Tokenizer.load(Path(directory))


def synchronized(device: torch.device) -> None:
    """Wait until the device has done all it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
