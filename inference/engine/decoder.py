"""What runs a model over its slots, and tier A: any decoder that transformers knows, unmodified."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inference.engine.attention import SLOTS
from inference.engine.devices import ON_CPU
from inference.engine.kv_cache import SlotCache
from inference.engine.masks import Masks
from inference.engine.sliding import PART, SLIDING, layer_kinds, sliding_of
from inference.engine.submission import Refusal
from inference.engine.vision.files import VisionFiles
from inference.engine.vision.pictures import Pictures


class Part(NamedTuple):
    """Tokens of a prompt, to be written to a slot from position `start` on."""

    tokens: list[int]
    slot: int
    start: int


class SlotDecoder(ABC):
    """A model with its slots: writes prompts, decodes a token for all running rows at once."""

    mixes = False  # whether `run` computes everything at once

    def __init__(
        self,
        *,
        layers: int,
        slots: int,
        context: int,
        vocabulary_size: int,
        device: torch.device = ON_CPU,
        kept: Sequence[int] | None = None,
    ) -> None:
        """`kept` is how many tokens each layer keeps, where that is not the whole context."""
        self._cache = SlotCache(
            layers=layers, slots=slots, context=context, device=device, kept=kept
        )
        self.device = device  # where its logits are
        self.vocabulary_size = vocabulary_size
        self.vision: VisionFiles | None = None  # how it reads pictures, if it does

    def look(self, pictures: Pictures, tokens: list[int]) -> Refusal | None:
        """Look at the pictures that `tokens`, which are written next, have parts of.

        Return why that cannot be done, or None.
        """
        return None

    @abstractmethod
    def prefill(self, tokens: list[int], slot: int, start: int) -> Tensor:
        """Write `tokens` at `start` of a slot; return the logits [1, V] after the last."""

    @abstractmethod
    def decode(self, tokens: list[int], positions: list[int]) -> Tensor:
        """Write one token for each of slots 0…B-1 at its position; return logits [B, V].

        They hold until the next call.
        """

    def run(self, tokens: list[int], positions: list[int], parts: Sequence[Part]) -> Tensor:
        """Do a `decode`, where there are tokens, and a `prefill` for each part.

        Return the logits [B + parts, V] of the decoded rows and of the parts' last tokens.
        """
        logits = [self.decode(tokens, positions)] if tokens else []
        logits += [self.prefill(*part) for part in parts]
        return logits[0] if len(logits) == 1 else torch.cat(logits)

    def warm_up(self) -> None:
        """Do now what would otherwise be done when a shape of step comes for the first time."""
        return

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` tokens of one slot over another."""
        self._cache.move(source, target, length)

    def clear(self, slot: int) -> None:
        """Zero a slot whose values went bad."""
        self._cache.clear(slot)


class Decoder(SlotDecoder):
    """Any transformers causal model, its own modules run over the slot cache."""

    def __init__(self, model: Any, *, slots: int, context: int) -> None:
        """Take over a model. Raises LoadError for unknown layer types."""
        config = model.config.get_text_config()
        sliding = sliding_of(config, context)
        ring = sliding.kept if sliding else context
        super().__init__(
            layers=config.num_hidden_layers,
            slots=slots,
            context=context,
            vocabulary_size=model.get_input_embeddings().num_embeddings,
            device=model.device,
            kept=[ring if kind == SLIDING else context for kind in layer_kinds(config)],
        )
        self._part = PART if sliding else context  # prompt tokens a forward
        # Models that need eager attention (soft-capped scores, sinks) keep it.
        if model.config._attn_implementation == "sdpa":
            model.set_attn_implementation(SLOTS)
        self._model = model
        self._masks = Masks(config, context, model.dtype, model.device)

    def prefill(self, tokens: list[int], slot: int, start: int) -> Tensor:
        parts = range(0, len(tokens), self._part)
        return [self._write(tokens[at : at + self._part], slot, start + at) for at in parts][-1]

    def _write(self, tokens: list[int], slot: int, start: int) -> Tensor:
        length = self._cache.prefill_slot(slot, start, len(tokens))
        positions = torch.arange(start, length, device=self.device)[None]
        return self._forward(positions, length, **self._read(tokens))

    def _read(self, tokens: list[int]) -> dict[str, Tensor]:
        """Return what the model is given for tokens of a prompt."""
        return {"input_ids": torch.tensor([tokens], device=self.device)}

    def decode(self, tokens: list[int], positions: list[int]) -> Tensor:
        at = torch.tensor(positions, device=self.device)
        length = self._cache.decode_rows(at, max(positions))
        ids = torch.tensor(tokens, device=self.device)[:, None]
        return self._forward(at[:, None], length, input_ids=ids)

    def _forward(self, positions: Tensor, length: int, **inputs: Tensor) -> Tensor:
        logits: Tensor = self._model(
            **inputs,
            position_ids=positions,
            attention_mask=self._masks.build(positions, length),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        return logits[:, -1]
