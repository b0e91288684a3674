"""From a model directory to an engine that was checked against `generate`."""

from typing import Any

import msgspec
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.utils import logging as transformers_logging

from inference.engine.config import AUTO, CPU, RunnerConfig
from inference.engine.decoder import SlotDecoder
from inference.engine.devices import Cards, Place, place
from inference.engine.engine import Engine
from inference.engine.footprint import (
    LOGITS,
    LOGITS_IN_GRAPHS,
    Footprint,
    footprint,
    kv_size,
)
from inference.engine.graphs.decoder import SCRATCH_SLOTS
from inference.engine.graphs.engines import engine_of
from inference.engine.headroom import Headroom
from inference.engine.log import Log
from inference.engine.memory import available_bytes
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.outgoing import Deliver
from inference.engine.precision import DTYPES
from inference.engine.prefix_index import PrefixIndex
from inference.engine.rounding import round_linears
from inference.engine.scheduler import Scheduler
from inference.engine.shared_prompts import shared_tokens
from inference.engine.sliding import KvSize, Sliding, sliding_of
from inference.engine.statistics import Statistics
from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import Tokenizer, TokenizerError
from inference.engine.tiers import Chosen, Tiers
from inference.engine.verification import Reference, references
from inference.engine.vision.files import VisionFiles
from inference.engine.vision.sight import with_sight


def load_engine(
    config: RunnerConfig,
    directory: ModelDirectory,
    *,
    statistics: Statistics,
    log: Log,
    deliver: Deliver,
) -> Engine:
    """Return an engine that is ready to step. Raises LoadError."""
    try:
        tokenizer = Tokenizer.load(directory.path)
    except (TokenizerError, TemplateError) as error:
        raise LoadError(str(error)) from error
    loader = DecoderLoader(config, directory, statistics, log, vision=tokenizer.vision)
    decoder = loader.load()
    return engine_of(
        decoder,
        tokenizer,
        Scheduler(
            slots=config.slots,
            max_waiting=config.max_waiting,
            prefill_budget=loader.prefill_budget,
            kept_slots=config.kept_slots,
            prefixes=PrefixIndex(shared_tokens(tokenizer, config.shared_prompts), loader.sliding()),
            headroom=loader.headroom(),
        ),
        context_length=directory.context_length(config.context_length),
        statistics=statistics,
        log=log,
        deliver=deliver,
    )


class DecoderLoader:
    """Loads one model in the fastest tier that gives what `generate` gives."""

    def __init__(
        self,
        config: RunnerConfig,
        directory: ModelDirectory,
        statistics: Statistics,
        log: Log,
        *,
        vision: VisionFiles | None = None,
        cards: Cards | None = None,
    ) -> None:
        self._config = config
        self._directory = directory
        self._statistics = statistics
        self._log = log
        self._vision = vision
        self._context = directory.context_length(config.context_length)
        self._cards = cards or Cards()
        self._put(place(config, self._fit, log, self._cards))

    def _put(self, there: Place) -> None:
        self._place = there
        self.prefill_budget = self._config.prefill_budget or _prefill_budget(there)
        self._statistics.device = str(there.device)

    def load(self) -> SlotDecoder:
        """Return a decoder whose output was compared with generate's. Raises LoadError."""
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if not self._place.on_card or self._config.device != AUTO:
            return self._load()
        try:
            return self._load()
        except Exception as error:  # whatever a card, its driver or its libraries raise
            device = str(self._place.device)
            self._log.event("device_rejected", device=device, reason=str(error))
        # Not before the error is forgotten, and with it what lies on the card.
        on_cpu = msgspec.structs.replace(self._config, device=CPU)
        self._put(place(on_cpu, self._fit, self._log, self._cards))
        return self._load()

    def _load(self) -> SlotDecoder:
        if self._place.on_card:
            torch.cuda.set_device(self._place.device)  # of this thread, whose streams are used
        model = self._read_model()
        self._statistics.progress = 0.4
        expected = self._expected(model)
        self._statistics.progress = 0.7
        chosen = self._tiers().choose(self._read_model, model, expected, self._log)
        if self._place.on_card:
            torch.cuda.empty_cache()  # what was left of weights that were put together
            _warm_up(chosen.decoder)
        self._statistics.progress = 1.0
        self._note(chosen)
        return chosen.decoder

    def _tiers(self) -> Tiers:
        return Tiers(
            self._config.dtype,
            slots=self._slots,
            context=self._context,
            device=self._place.device,
        )

    def headroom(self) -> Headroom:
        """Return what keeps the cache within the memory there is."""
        if self._place.on_card:  # all of it is taken already
            return Headroom(slots=self._slots, size=KvSize(0))
        size = kv_size(self._text_config(), self._place.dtype.itemsize, self._context)
        return Headroom(slots=self._slots, size=size)

    def sliding(self) -> Sliding | None:
        """Return what sliding layers keep of a sequence, where that is not all of it."""
        return sliding_of(self._text_config(), self._context)

    def _text_config(self) -> Any:
        try:
            path = self._directory.path
            return AutoConfig.from_pretrained(path, local_files_only=True).get_text_config()
        except (OSError, ValueError, KeyError) as error:
            raise LoadError("transformers cannot read this model's config.json") from error

    @property
    def _slots(self) -> int:
        return self._config.slots + self._config.kept_slots

    def _fit(self, there: Place) -> None:
        """Raise LoadError, with the numbers, where the model does not fit."""
        footprint, available = self._footprint(there), self._cards.available(there)
        if there.on_card:
            footprint.check_all(slots=self._slots + SCRATCH_SLOTS, available=available)
            footprint.check_passage(available_bytes())
        else:
            footprint.check(slots=self._config.slots, available=available)

    def _footprint(self, there: Place) -> Footprint:
        try:
            return footprint(
                self._directory.path,
                self._text_config(),
                item_bytes=there.dtype.itemsize,
                context=self._context,
                rows=self._config.slots,
                chunk=self._config.prefill_budget or _prefill_budget(there),
                logits=LOGITS_IN_GRAPHS if there.on_card else LOGITS,
            )
        except AttributeError as error:
            raise LoadError(f"config.json names no {error.name}: not a decoder we know") from error

    def _expected(self, model: Any) -> list[Reference]:
        expected = references(model, context=self._context, slots=self._config.slots)
        if not expected:
            raise LoadError(f"context_length {self._context} is too short to check the model with")
        return expected

    def _read_model(self) -> Any:
        try:
            auto: Any = AutoModelForImageTextToText if self._vision else AutoModelForCausalLM
            model: Any = auto.from_pretrained(
                self._directory.path,
                dtype=DTYPES[self._config.dtype],
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            self._log.event("read_failed", error=repr(error))
            raise LoadError("transformers cannot read this model; its log says why") from error
        # Rounded to what was asked for, whatever it is computed in. Not where it is that already:
        # `to` would round buffers too, and positions turn by angles that need float32.
        if model.dtype != self._place.dtype:
            model = model.to(self._place.dtype)
        model = model.to(self._place.device).eval()
        if self._config.dtype == "int8":
            round_linears(model)
        return with_sight(model, self._directory.path, self._vision) if self._vision else model

    def _note(self, chosen: Chosen) -> None:
        computed = str(chosen.tier.dtype or self._place.dtype).removeprefix("torch.")
        self._statistics.tier = chosen.tier.letter
        self._statistics.detail = f"{computed}, {chosen.tier.name}; {chosen.verdict}"
        self._log.event("verified", tier=chosen.tier.letter, detail=self._statistics.detail)


def _warm_up(decoder: SlotDecoder) -> None:
    try:
        decoder.warm_up()
    except RuntimeError as error:  # torch's: the first shapes were captured, so memory ended
        raise LoadError(f"not every shape of a step could be prepared: {error}") from error


def _prefill_budget(there: Place) -> int:
    """Return how many prompt tokens go beside a decode.

    On the CPU 64 lost a quarter of the throughput and 256 made single gaps half as long again. A
    card multiplies a few hundred rows in the time in which it reads the weights: not measured.
    """
    return 512 if there.on_card else 128
