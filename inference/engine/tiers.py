"""The ways to run a model, the fastest first, each checked against `generate` before it is used.

On the CPU, C: all of a Llama-like forward in the kernels. On a CUDA device, G: the same forward in
graphs. On both, B: the same on torch alone. A: the model's own modules, on the CPU with linears of
the kernels, with packed ones, or as they are. Kernels hold weights in bfloat16 or int8, so they
serve models that are to run in these; where torch only emulates bfloat16 the other tiers compute
the same weights in float32, and those of int8 as they were rounded.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inference.engine.config import Dtype
from inference.engine.decoder import Decoder, SlotDecoder
from inference.engine.devices import ON_CPU
from inference.engine.fused import FusedDecoder
from inference.engine.graphs.decoder import GraphDecoder
from inference.engine.kernels.build import KernelsUnavailableError
from inference.engine.kernels.decoder import KernelDecoder, unfit_for_kernels
from inference.engine.kernels.library import Kernels, load_kernels
from inference.engine.kernels.linear import KernelLinear
from inference.engine.kernels.memory import WeightMemory
from inference.engine.kernels.packing import packed_bytes
from inference.engine.linear import linear_shapes, pack_linears, packing_unavailable
from inference.engine.llama import Llama, unlike_llama
from inference.engine.log import Log
from inference.engine.model_directory import LoadError
from inference.engine.verification import Reference, Verdict, verify
from inference.engine.vision.decoder import SeeingDecoder


class TierUnavailableError(Exception):
    """This tier cannot run this model here; the message says why."""


class Tier(NamedTuple):
    """A way to run a model."""

    letter: str  # as the registry shows it
    name: str
    build: Callable[[Any], SlotDecoder]  # may take the model's weights; TierUnavailableError
    dtype: torch.dtype | None = None  # of the weights, where it is not the model's


class Chosen(NamedTuple):
    """A decoder that gave what `generate` gives."""

    decoder: SlotDecoder
    tier: Tier
    verdict: Verdict


class Tiers:
    """All tiers for one configuration."""

    def __init__(
        self, dtype: Dtype, *, slots: int, context: int, device: torch.device = ON_CPU
    ) -> None:
        self._dtype = dtype
        self._device = device
        self._stored = torch.int8 if dtype == "int8" else torch.bfloat16  # in the kernels
        self._suffix = ", int8 weights" if dtype == "int8" else ""
        self._slots = slots
        self._context = context

    def choose(
        self, read: Callable[[], Any], model: Any, expected: list[Reference], log: Log
    ) -> Chosen:
        """Return the first tier that works. `read` gives `model` anew. Raises LoadError."""
        found: Chosen | str = "no tier may be used; look at ENGINE_TIERS"
        for tier in self.all():
            try:
                found = _tried(tier, model, expected)
            except TierUnavailableError as error:
                log.event("tier_passed_over", tier=tier.letter, name=tier.name, reason=str(error))
                continue
            if isinstance(found, Chosen):
                return found
            log.event("tier_rejected", tier=tier.letter, name=tier.name, reason=found)
            model = None  # before the weights, which the tier took, are read again
            model = read()
        raise LoadError(f"the model does not run right on this engine: {found}")

    def all(self) -> list[Tier]:
        """Return every tier that may be used, the fastest first.

        ENGINE_TIERS names their letters, for who compares tiers or distrusts one.
        """
        letters = os.environ.get("ENGINE_TIERS")
        return [tier for tier in self._known() if not letters or tier.letter in letters]

    def _known(self) -> list[Tier]:
        if self._device != ON_CPU:
            return [
                Tier("G", "fused forward in graphs", self._in_graphs),
                Tier("B", "fused forward", self._fused),
                Tier("A", "plain linears", self._generic),
            ]
        return [
            Tier("C", f"kernels{self._suffix}", self._kernels, torch.bfloat16),
            Tier("B", "fused forward", self._fused),
            Tier("A", f"kernel linears{self._suffix}", self._kernel_linears, torch.bfloat16),
            Tier("A", "packed linears", self._packed_linears),
            Tier("A", "plain linears", self._generic),
        ]

    def _kernels(self, model: Any) -> SlotDecoder:
        kernels, llama = self._load_kernels(), self._llama(model)
        _require(unfit_for_kernels(llama, kernels))
        return KernelDecoder(
            llama, kernels, slots=self._slots, context=self._context, stored=self._stored
        )

    def _in_graphs(self, model: Any) -> SlotDecoder:
        return GraphDecoder(self._llama(model), slots=self._slots, context=self._context)

    def _fused(self, model: Any) -> SlotDecoder:
        return FusedDecoder(self._llama(model), slots=self._slots, context=self._context)

    def _kernel_linears(self, model: Any) -> SlotDecoder:
        kernels = self._load_kernels()
        odd = [m for m in model.modules() if getattr(m, "in_features", 0) % 2]
        _require("a linear has an odd number of inputs" if odd else "")
        # One memory for all, so that it is in huge pages.
        memory = WeightMemory(packed_bytes(kernels, linear_shapes(model), self._stored))

        def make(weight: Tensor, bias: Tensor | None) -> KernelLinear:
            return KernelLinear(weight, bias, kernels, self._stored, memory)

        pack_linears(model, make)
        return self._generic(model)

    def _packed_linears(self, model: Any) -> SlotDecoder:
        _require(packing_unavailable())
        pack_linears(model)
        return self._generic(model)

    def _generic(self, model: Any) -> SlotDecoder:
        sight = getattr(model, "sight", None)
        if sight is None:
            return Decoder(model, slots=self._slots, context=self._context)
        return SeeingDecoder(model, sight, slots=self._slots, context=self._context)

    def _llama(self, model: Any) -> Llama:
        _require("pictures are read by the model's own modules" if hasattr(model, "sight") else "")
        _require(unlike_llama(model, self._context))
        return Llama(model)

    def _load_kernels(self) -> Kernels:
        _require("kernels hold no weights in float32" if self._dtype == "float32" else "")
        try:
            return load_kernels()
        except KernelsUnavailableError as error:
            raise TierUnavailableError(str(error)) from error


def _tried(tier: Tier, model: Any, expected: list[Reference]) -> Chosen | str:
    """Return a decoder that was compared with `generate`, or why it does not serve."""
    try:
        decoder = tier.build(model)
        verdict = verify(decoder, expected, tier.dtype or model.dtype)
    except RuntimeError as error:  # torch's, as where a card's memory ends
        return str(error)
    return Chosen(decoder, tier, verdict) if verdict.passed else str(verdict)


def _require(reason: str) -> None:
    """Raise TierUnavailableError if there is a reason."""
    if reason:
        raise TierUnavailableError(reason)
