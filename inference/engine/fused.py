"""Tier B: a fused forward of the Llama family on torch alone."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, rms_norm, scaled_dot_product_attention, silu

from inference.engine.decoder import SlotDecoder
from inference.engine.devices import ON_CPU
from inference.engine.linear import PackedLinear, packing_unavailable
from inference.engine.llama import Llama, LlamaLayer, Projection

Linear = Callable[[Tensor], Tensor]


class FusedLayer(NamedTuple):
    """One layer, its linears in the layout they are fastest in."""

    attention_norm: Tensor
    query_norm: Tensor | None
    key_norm: Tensor | None
    mlp_norm: Tensor
    query_key_value: Linear
    output: Linear
    gate_up: Linear
    down: Linear
    keys: Tensor  # [slots, kv_heads, context, head_dim]
    values: Tensor


class Where(NamedTuple):
    """What a forward's rows write, and what they see."""

    rows: Tensor | slice | int  # slots
    positions: Tensor | slice
    seen: slice  # slots whose keys are read
    length: int  # positions that are read
    mask: Tensor  # additive, [1 or B, 1, queries, length]
    cosines: Tensor  # [rows, 1, head_dim]
    sines: Tensor


class FusedDecoder(SlotDecoder):
    """Holds the weights fused and packed; a step is a fifth of the calls of tier A."""

    def __init__(self, llama: Llama, *, slots: int, context: int) -> None:
        """Take the weights out of `llama`."""
        super().__init__(
            layers=llama.layer_count,
            slots=slots,
            context=context,
            vocabulary_size=llama.embedding.shape[0],
            device=llama.device,
        )
        self._llama = llama
        cosines, sines = llama.rotation(context)
        # The sign of the rotated half is folded in: rotated = x cos + swapped halves (-sin, sin).
        self._cosines = torch.cat([cosines, cosines], -1).to(llama.dtype)
        self._sines = torch.cat([-sines, sines], -1).to(llama.dtype)
        self._keys_at = torch.arange(context, device=self.device)
        self._zero = torch.zeros((), dtype=llama.dtype, device=self.device)
        least = torch.finfo(llama.dtype).min
        self._hidden = torch.full((), least, dtype=llama.dtype, device=self.device)
        caches = self._cache.allocate(llama.kv_heads, llama.head_dim, llama.dtype)
        self._layers = [
            _fused(layer, *cache) for layer, cache in zip(llama.layers(), caches, strict=True)
        ]
        self._head = _linear(llama.head)

    def prefill(self, tokens: list[int], slot: int, start: int) -> Tensor:
        length = start + len(tokens)
        positions = torch.arange(start, length, device=self.device)
        mask = self._mask(positions, length)[None, None]
        where = Where(
            slot,
            slice(start, length),
            slice(slot, slot + 1),
            length,
            mask,
            self._cosines[positions][:, None],
            self._sines[positions][:, None],
        )
        return self._logits(self._forward(self._ids(tokens), where)[-1:])

    def decode(self, tokens: list[int], positions: list[int]) -> Tensor:
        at, length = self._ids(positions), max(positions) + 1
        where = Where(
            torch.arange(len(tokens), device=self.device),
            at,
            slice(0, len(tokens)),
            length,
            self._mask(at, length)[:, None, None],
            self._cosines[at][:, None],
            self._sines[at][:, None],
        )
        return self._logits(self._forward(self._ids(tokens), where))

    def _ids(self, numbers: list[int]) -> Tensor:
        # From pinned memory, so that nobody waits for what the device is at.
        pinned = self.device.type == "cuda"
        held = torch.tensor(numbers, device="cpu", pin_memory=pinned)
        return held.to(self.device, non_blocking=True)

    def _mask(self, positions: Tensor, length: int) -> Tensor:
        """Return what to add to the scores: [positions, length]."""
        seen = self._keys_at[:length] <= positions[:, None]
        return torch.where(seen, self._zero, self._hidden)

    def _forward(self, tokens: Tensor, where: Where) -> Tensor:
        x = embedding(tokens, self._llama.embedding)
        for layer in self._layers:
            x = x + layer.output(self._attend(layer, self._norm(x, layer.attention_norm), where))
            gates, ups = layer.gate_up(self._norm(x, layer.mlp_norm)).chunk(2, -1)
            x = x + layer.down(silu(gates) * ups)
        return x

    def _logits(self, x: Tensor) -> Tensor:
        return self._head(self._norm(x, self._llama.norm))

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return rms_norm(x, weight.shape, weight, self._llama.epsilon)

    def _attend(self, layer: FusedLayer, x: Tensor, where: Where) -> Tensor:
        """Return what `x` [rows, hidden] gathers: [rows, heads * head_dim]."""
        heads, kv_heads = self._llama.heads, self._llama.kv_heads
        states = layer.query_key_value(x).view(len(x), heads + 2 * kv_heads, -1)
        queries, keys, values = torch.split(states, [heads, kv_heads, kv_heads], 1)
        queries = self._placed(queries, layer.query_norm, where)
        self._write(layer.keys, self._placed(keys, layer.key_norm, where), where)
        self._write(layer.values, values, where)
        keys = layer.keys[where.seen, :, : where.length]
        values = layer.values[where.seen, :, : where.length]
        groups = heads // kv_heads
        if isinstance(where.rows, int):  # a prompt: all rows look into one slot
            keys, values = (each.repeat_interleave(groups, 1) for each in (keys, values))
            queries = queries.transpose(0, 1)[None]
            found = scaled_dot_product_attention(queries, keys, values, where.mask)
            return found[0].transpose(0, 1).reshape(len(x), -1)
        # The queries of a key head take the place of positions: see slot_attention.
        packed = queries.reshape(len(x), kv_heads, groups, -1)
        return scaled_dot_product_attention(packed, keys, values, where.mask).reshape(len(x), -1)

    def _placed(self, heads: Tensor, norm: Tensor | None, where: Where) -> Tensor:
        """Norm heads [rows, n, head_dim] where the model does, and turn them by position."""
        if norm is not None:
            heads = self._norm(heads, norm)
        swapped = torch.roll(heads, heads.shape[-1] // 2, -1)
        return heads * where.cosines + swapped * where.sines

    def _write(self, cache: Tensor, states: Tensor, where: Where) -> None:
        if isinstance(where.rows, int):
            cache[where.rows, :, where.positions] = states.transpose(0, 1)
        else:
            cache[where.rows, :, where.positions] = states


def _fused(layer: LlamaLayer, keys: Tensor, values: Tensor) -> FusedLayer:
    return FusedLayer(
        *layer[:4],  # the norms
        _linear(layer.query_key_value),
        _linear(layer.output),
        _linear(layer.gate_up),
        _linear(layer.down),
        keys,
        values,
    )


def _linear(projection: Projection) -> Linear:
    if projection.weight.device == ON_CPU and not packing_unavailable():
        return PackedLinear(projection.weight, projection.bias)
    return lambda x: nn.functional.linear(x, projection.weight, projection.bias)
