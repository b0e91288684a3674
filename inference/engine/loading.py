"""From a model directory to an engine that was checked against `generate`."""

from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.utils import logging as transformers_logging

from inference.engine.config import RunnerConfig
from inference.engine.decoder import SlotDecoder
from inference.engine.engine import Engine
from inference.engine.footprint import Footprint, footprint, kv_size
from inference.engine.headroom import Headroom
from inference.engine.log import Log
from inference.engine.memory import available_bytes
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.outgoing import Deliver
from inference.engine.precision import DTYPES, compute_dtype
from inference.engine.prefix_index import PrefixIndex
from inference.engine.rounding import round_linears
from inference.engine.scheduler import Scheduler
from inference.engine.shared_prompts import shared_tokens
from inference.engine.sliding import Sliding, sliding_of
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
    return Engine(
        loader.load(),
        tokenizer,
        Scheduler(
            slots=config.slots,
            max_waiting=config.max_waiting,
            prefill_budget=config.prefill_budget,
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
    ) -> None:
        self._config = config
        self._directory = directory
        self._statistics = statistics
        self._log = log
        self._vision = vision
        self._dtype = compute_dtype(config.dtype)
        self._context = directory.context_length(config.context_length)

    def load(self) -> SlotDecoder:
        """Return a decoder whose output was compared with generate's. Raises LoadError."""
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._footprint().check(slots=self._config.slots, available=available_bytes())
        model = self._read_model()
        self._statistics.progress = 0.4
        expected = self._expected(model)
        self._statistics.progress = 0.7
        chosen = self._tiers().choose(self._read_model, model, expected, self._log)
        self._statistics.progress = 1.0
        self._note(chosen)
        return chosen.decoder

    def _tiers(self) -> Tiers:
        slots = self._config.slots + self._config.kept_slots
        return Tiers(self._config.dtype, slots=slots, context=self._context)

    def headroom(self) -> Headroom:
        """Return what keeps the cache within the memory there is."""
        slots = self._config.slots + self._config.kept_slots
        size = kv_size(self._text_config(), self._dtype.itemsize, self._context)
        return Headroom(slots=slots, size=size)

    def sliding(self) -> Sliding | None:
        """Return what sliding layers keep of a sequence, where that is not all of it."""
        return sliding_of(self._text_config(), self._context)

    def _text_config(self) -> Any:
        try:
            path = self._directory.path
            return AutoConfig.from_pretrained(path, local_files_only=True).get_text_config()
        except (OSError, ValueError, KeyError) as error:
            raise LoadError("transformers cannot read this model's config.json") from error

    def _footprint(self) -> Footprint:
        try:
            return footprint(
                self._directory.path,
                self._text_config(),
                item_bytes=self._dtype.itemsize,
                context=self._context,
                rows=self._config.slots,
                chunk=self._config.prefill_budget,
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
        # Rounded to what was asked for, whatever it is computed in.
        model = model.to(self._dtype).eval()
        if self._config.dtype == "int8":
            round_linears(model)
        return with_sight(model, self._directory.path, self._vision) if self._vision else model

    def _note(self, chosen: Chosen) -> None:
        computed = str(chosen.tier.dtype or self._dtype).removeprefix("torch.")
        self._statistics.tier = chosen.tier.letter
        self._statistics.detail = f"{computed}, {chosen.tier.name}; {chosen.verdict}"
        self._log.event("verified", tier=chosen.tier.letter, detail=self._statistics.detail)
