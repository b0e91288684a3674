"""From a model directory to an engine that was checked against `generate`."""

from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from inference.engine.config import RunnerConfig
from inference.engine.decoder import Decoder
from inference.engine.engine import Deliver, Engine
from inference.engine.footprint import Footprint, footprint
from inference.engine.headroom import Headroom
from inference.engine.linear import pack_linears, packing_unavailable
from inference.engine.log import Log
from inference.engine.memory import available_bytes
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.precision import compute_dtype
from inference.engine.prefix_index import PrefixIndex
from inference.engine.scheduler import Scheduler
from inference.engine.shared_prompts import shared_tokens
from inference.engine.statistics import Statistics
from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import Tokenizer, TokenizerError
from inference.engine.verification import Reference, Verdict, references, verify


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
    loader = DecoderLoader(config, directory, statistics, log)
    return Engine(
        loader.load(),
        tokenizer,
        Scheduler(
            slots=config.slots,
            max_waiting=config.max_waiting,
            prefill_budget=config.prefill_budget,
            kept_slots=config.kept_slots,
            prefixes=PrefixIndex(shared_tokens(tokenizer, config.shared_prompts)),
            headroom=loader.headroom(),
        ),
        context_length=directory.context_length(config.context_length),
        statistics=statistics,
        log=log,
        deliver=deliver,
    )


class DecoderLoader:
    """Loads one model: tier A with packed linears where they work, plain ones otherwise."""

    def __init__(
        self, config: RunnerConfig, directory: ModelDirectory, statistics: Statistics, log: Log
    ) -> None:
        self._config = config
        self._directory = directory
        self._statistics = statistics
        self._log = log
        self._dtype = compute_dtype(config.dtype)
        self._context = directory.context_length(config.context_length)

    def load(self) -> Decoder:
        """Return a decoder whose output was compared with generate's. Raises LoadError."""
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._footprint().check(slots=self._config.slots, available=available_bytes())
        model = self._read_model()
        self._statistics.progress = 0.4
        expected = self._expected(model)
        self._statistics.progress = 0.7
        decoder = self._packed(model, expected) or self._plain(expected)
        self._statistics.progress = 1.0
        self._statistics.tier = "A"
        return decoder

    def headroom(self) -> Headroom:
        """Return what keeps the cache within the memory there is."""
        slots = self._config.slots + self._config.kept_slots
        return Headroom(slots=slots, token_bytes=self._footprint().slot // self._context)

    def _footprint(self) -> Footprint:
        try:
            path = self._directory.path
            config = AutoConfig.from_pretrained(path, local_files_only=True).get_text_config()
            return footprint(
                path,
                config,
                item_bytes=self._dtype.itemsize,
                context=self._context,
                rows=self._config.slots,
                chunk=self._config.prefill_budget,
            )
        except (OSError, ValueError, KeyError) as error:
            raise LoadError("transformers cannot read this model's config.json") from error
        except AttributeError as error:
            raise LoadError(f"config.json names no {error.name}: not a decoder we know") from error

    def _packed(self, model: Any, expected: list[Reference]) -> Decoder | None:
        """Return a decoder with packed linears, or None with a line in the log that says why."""
        reason = packing_unavailable()
        if not reason:
            packed = pack_linears(model)
            decoder = self._decoder(model)
            verdict = verify(decoder, expected, self._dtype)
            if verdict.passed:
                self._note(f"{packed} packed linears", verdict)
                return decoder
            reason = f"output differs from generate: {verdict}"
        self._log.event("plain_linears", reason=reason)
        return None

    def _plain(self, expected: list[Reference]) -> Decoder:
        # Packing gave the first model's weights away, so they are read again.
        decoder = self._decoder(self._read_model())
        verdict = verify(decoder, expected, self._dtype)
        if not verdict.passed:
            raise LoadError(f"the model does not run right on this engine: {verdict}")
        self._note("plain linears", verdict)
        return decoder

    def _expected(self, model: Any) -> list[Reference]:
        expected = references(model, context=self._context, slots=self._config.slots)
        if not expected:
            raise LoadError(f"context_length {self._context} is too short to check the model with")
        return expected

    def _read_model(self) -> Any:
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                self._directory.path,
                dtype=self._dtype,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            self._log.event("read_failed", error=repr(error))
            raise LoadError("transformers cannot read this model; its log says why") from error
        return model.eval()

    def _decoder(self, model: Any) -> Decoder:
        slots = self._config.slots + self._config.kept_slots
        return Decoder(model, slots=slots, context=self._context)

    def _note(self, tier: str, verdict: Verdict) -> None:
        computed = str(self._dtype).removeprefix("torch.")
        self._statistics.detail = f"{computed}, {tier}; {verdict}"
        self._log.event("verified", detail=self._statistics.detail)
