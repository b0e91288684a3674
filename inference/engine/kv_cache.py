"""Keys and values of every slot, plugged into transformers' models as their cache.

A layer holds `[slots, kv_heads, kept, head_dim]`, where it keeps the whole context or, if it
slides, a ring of the newest tokens. What a forward reads and writes is set by
`SlotCache.decode_rows` or `SlotCache.prefill_slot` just before it.
"""

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

KV_BUCKET = 64  # tokens; a view grows in such steps so that few shapes occur


@dataclass(slots=True)
class Window:
    """What the forward in progress writes and reads, shared by all layers."""

    slots: int
    context: int
    device: torch.device
    prefill: bool = False
    slot: int = 0  # prefill: the slot,
    start: int = 0  # its first new position
    length: int = 0  # positions to read
    rows: Tensor = field(default_factory=lambda: torch.empty(0))  # decode: 0…B-1,
    positions: Tensor = field(default_factory=lambda: torch.empty(0))  # where each row writes


class SlotLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's keys and values."""

    is_sliding = False
    is_compileable = False

    def __init__(self, window: Window, kept: int) -> None:
        """Keep the newest `kept` tokens."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._window = window
        self._kept = kept
        self._keys = self._values = torch.empty(0)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self._keys = self._allocate(key_states.shape[1], key_states.shape[3], key_states.dtype)
        self._values = self._allocate(
            value_states.shape[1], value_states.shape[3], value_states.dtype
        )
        self.is_initialized = True

    def allocate(self, kv_heads: int, head_dim: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Take the memory now and return keys and values, for who writes them itself."""
        self._keys = self._allocate(kv_heads, head_dim, dtype)
        self._values = self._allocate(kv_heads, head_dim, dtype)
        self.is_initialized = True
        return self._keys, self._values

    def _allocate(self, kv_heads: int, head_dim: int, dtype: torch.dtype) -> Tensor:
        """Return zeros; on the CPU they take memory only where they are written.

        Zeros, since what is masked is still multiplied by 0 and 0 * NaN is NaN. From the kernel,
        since torch.zeros would write, and so commit, every page of unused context.
        """
        shape = (self._window.slots, kv_heads, self._kept, head_dim)
        if self._window.device.type != "cpu":
            return torch.zeros(shape, dtype=dtype, device=self._window.device)
        pages = mmap.mmap(-1, math.prod(shape) * dtype.itemsize)
        return torch.frombuffer(pages, dtype=dtype).view(shape)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_args: object, **_kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write the new states `[B, kv_heads, T, head_dim]`; return views of all to attend to."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        window = self._window
        if window.prefill:
            slot, at = window.slot, self._run(window.start, key_states.shape[2])
            self._keys[slot][:, at] = key_states[0]
            self._values[slot][:, at] = value_states[0]
            rows = slice(slot, slot + 1)
        else:
            place = (window.rows, slice(None), self._places(window.positions))
            self._keys[place] = key_states[:, :, 0]
            self._values[place] = value_states[:, :, 0]
            rows = slice(0, key_states.shape[0])
        return self._keys[rows, :, : window.length], self._values[rows, :, : window.length]

    def _run(self, start: int, count: int) -> Tensor | slice:
        """Return where `count` positions from `start` on lie."""
        first = start % self._kept
        if first + count <= self._kept:
            return slice(first, first + count)
        return self._places(torch.arange(start, start + count, device=self._window.device))

    def _places(self, positions: Tensor) -> Tensor:
        return positions if self._kept == self._window.context else positions % self._kept

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._window.length, 0

    def get_seq_length(self) -> int:
        return self._window.start if self._window.prefill else 0

    def get_max_length(self) -> int:
        return self._window.context

    def move(self, source: int, target: int, length: int) -> None:
        self._keys[target, :, :length] = self._keys[source, :, :length]
        self._values[target, :, :length] = self._values[source, :, :length]

    def clear(self, slot: int) -> None:
        self._keys[slot].zero_()
        self._values[slot].zero_()


class SlotCache(Cache):
    """The cache of all layers of one model."""

    def __init__(
        self,
        *,
        layers: int,
        slots: int,
        context: int,
        device: torch.device,
        kept: Sequence[int] | None = None,
    ) -> None:
        """`kept` is how many tokens each layer keeps, where that is not the whole context."""
        self._window = Window(slots, context, device)
        self._rows = torch.arange(slots, device=device)
        self._slot_layers = [SlotLayer(self._window, n) for n in kept or [context] * layers]
        super().__init__(layers=list(self._slot_layers))

    def allocate(
        self, kv_heads: int, head_dim: int, dtype: torch.dtype
    ) -> list[tuple[Tensor, Tensor]]:
        """Return every layer's keys and values, each [slots, kv_heads, context, head_dim]."""
        return [layer.allocate(kv_heads, head_dim, dtype) for layer in self._slot_layers]

    def decode_rows(self, positions: Tensor, longest: int) -> int:
        """Aim the next forward at one new token for each of slots 0…B-1, at `positions` [B].

        Return how many positions it will read, for the mask; `longest` is the largest position.
        """
        window = self._window
        window.prefill = False
        window.rows = self._rows[: positions.shape[0]]
        window.positions = positions
        window.length = self._bucketed(longest + 1)
        return window.length

    def prefill_slot(self, slot: int, start: int, count: int) -> int:
        """Aim the next forward at `count` tokens of one slot; return the positions it reads.

        At most sliding.PART of them where a layer slides: more would overwrite what the first see.
        """
        window = self._window
        window.prefill, window.slot, window.start = True, slot, start
        window.length = start + count
        return window.length

    def move(self, source: int, target: int, length: int) -> None:
        for layer in self._initialized():
            layer.move(source, target, length)

    def clear(self, slot: int) -> None:
        """Zero a slot: NaNs left there would reach the next request through masked positions."""
        for layer in self._initialized():
            layer.clear(slot)

    def _initialized(self) -> list[SlotLayer]:
        return [layer for layer in self._slot_layers if layer.is_initialized]

    def _bucketed(self, length: int) -> int:
        return min(self._window.context, -(-length // KV_BUCKET) * KV_BUCKET)
