"""Tier C: a model of the Llama family, all of its forward in the kernels.

A row's sums run in one order whatever rides along and however its prompt was cut, so a request
gives the same tokens alone and in any batch.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inference.engine.decoder import Part, SlotDecoder
from inference.engine.kernels.contents import Contents
from inference.engine.kernels.library import Kernels, LayerStruct, LinearStruct, ModelStruct
from inference.engine.kernels.memory import WeightMemory
from inference.engine.kernels.packing import PackedWeight, packed_bytes
from inference.engine.llama import Llama, LlamaLayer, Projection

Row = tuple[int, int, int]  # a token, its slot and its position


def unfit_for_kernels(llama: Llama, kernels: Kernels) -> str:
    """Return why the kernels cannot compute a model of these sizes; empty when they can."""
    widths = {
        "hidden_size": (llama.hidden, kernels.lanes),
        "intermediate_size": (llama.intermediate, kernels.lanes),
        "head_dim": (llama.head_dim, 2 * kernels.lanes),
    }
    for name, (size, unit) in widths.items():
        if size % unit:
            return f"{name} is {size}, not a multiple of {unit}"
    return "head_dim is over 512" if llama.head_dim > 512 else ""


class KernelDecoder(SlotDecoder):
    """Holds the weights in bfloat16 or int8 and runs forwards over ragged rows."""

    mixes = True

    def __init__(
        self,
        llama: Llama,
        kernels: Kernels,
        *,
        slots: int,
        context: int,
        stored: torch.dtype = torch.bfloat16,
    ) -> None:
        """Take the weights out of `llama`, which must be fit for the kernels, as `stored`."""
        # Positions that lie together are moved together.
        self._together = int(kernels.library.positions_together(llama.head_dim))
        room = self._rounded(context)
        super().__init__(
            layers=llama.layer_count,
            slots=slots,
            context=room,
            vocabulary_size=llama.embedding.shape[0],
        )
        self._kernels = kernels
        self._context = context
        length = int(kernels.library.stretch_length())
        self._contents = Contents(slots=slots, stretches=room // length, length=length)
        self._kept: list[object] = []  # what the structures point to
        self._stored = stored
        self._memory = WeightMemory(packed_bytes(kernels, _shapes(llama), stored))
        self._scratch = torch.empty(0, dtype=torch.uint8)
        self._model = self._build(llama)

    def prefill(self, tokens: list[int], slot: int, start: int) -> Tensor:
        return self.run([], [], [Part(tokens, slot, start)])

    def decode(self, tokens: list[int], positions: list[int]) -> Tensor:
        return self.run(tokens, positions, [])

    def run(self, tokens: list[int], positions: list[int], parts: Sequence[Part]) -> Tensor:
        # Rows whose logits count come last: those decoded and the last of each part.
        rows = [row for part in parts for row in _rows(part)[:-1]]
        first = len(rows)
        for slot, position in enumerate(positions):
            self._contents.written(slot, position)
        for part in parts:
            self._contents.written(part.slot, part.start)
        rows += zip(tokens, range(len(tokens)), positions, strict=True)
        rows += [_rows(part)[-1] for part in parts]
        return self._forward(rows, first)

    def move(self, source: int, target: int, length: int) -> None:
        super().move(source, target, self._rounded(length))
        self._contents.copied(source, target, length)

    def clear(self, slot: int) -> None:
        super().clear(slot)
        self._contents.written(slot, 0)

    def _rounded(self, positions: int) -> int:
        return -(-positions // self._together) * self._together

    def _forward(self, rows: list[Row], first: int) -> Tensor:
        """Return the logits of the rows from `first` on."""
        tokens, slots, positions = map(list, zip(*rows, strict=True))
        # The kernels trust these numbers with addresses.
        if not _within(tokens, self.vocabulary_size) or not _within(positions, self._context):
            raise IndexError("a token or a position lies outside the model")
        given = torch.tensor([tokens, slots, positions])
        addresses = [numbers.data_ptr() for numbers in given]
        logits = torch.empty(len(tokens) - first, self.vocabulary_size)
        threads = torch.get_num_threads()
        library = self._kernels.library
        needed = library.forward_scratch(self._model, len(tokens))
        if needed > self._scratch.numel():
            self._scratch = torch.empty(needed + 64, dtype=torch.uint8)
        library.forward(
            self._model,
            *addresses,
            len(tokens),
            self._contents.numbers.data_ptr(),
            first,
            logits.data_ptr(),
            self._scratch.data_ptr(),
            threads,
        )
        return logits

    def _build(self, llama: Llama) -> ModelStruct:
        cosines, sines = llama.rotation(self._context)
        caches = self._cache.allocate(llama.kv_heads, llama.head_dim, torch.bfloat16)
        layers = (LayerStruct * llama.layer_count)()
        for target, layer, (keys, values) in zip(layers, llama.layers(), caches, strict=True):
            self._fill(target, layer)
            target.keys, target.values = keys.data_ptr(), values.data_ptr()
        return ModelStruct(
            layers=llama.layer_count,
            hidden=llama.hidden,
            heads=llama.heads,
            kv_heads=llama.kv_heads,
            head_dim=llama.head_dim,
            intermediate=llama.intermediate,
            context=self._rounded(self._context),
            epsilon=llama.epsilon,
            embedding=self._keep(llama.embedding.to(torch.bfloat16)),
            cosines=self._keep(cosines),
            sines=self._keep(sines),
            norm=self._keep(llama.norm.float()),
            head=self._pack(llama.head),
            layer=layers,
        )

    def _fill(self, target: Any, layer: LlamaLayer) -> None:
        for name in ("attention_norm", "query_norm", "key_norm", "mlp_norm"):
            weight = getattr(layer, name)
            setattr(target, name, None if weight is None else self._keep(weight.float()))
        for name in ("query_key_value", "output", "down"):
            setattr(target, name, self._pack(getattr(layer, name)))
        target.gate_up = self._pack(_in_turn(layer.gate_up, self._kernels.lanes))

    def _pack(self, projection: Projection) -> LinearStruct:
        packed = PackedWeight.pack(*projection, self._kernels, self._memory, self._stored)
        self._kept.append(packed)
        return packed.struct()

    def _keep(self, tensor: Tensor) -> int:
        """Return the address of a tensor's items, valid as long as this decoder."""
        tensor = tensor.contiguous()
        self._kept.append(tensor)
        return tensor.data_ptr()


def _in_turn(gate_up: Projection, count: int) -> Projection:
    """Return the linear with `count` gates and `count` ups in turn, of all gates before all ups."""

    def turned(parameter: Tensor) -> Tensor:
        halves = parameter.view(2, -1, count, *parameter.shape[1:])
        return halves.transpose(0, 1).reshape(parameter.shape)

    weight, bias = gate_up
    return Projection(turned(weight), None if bias is None else turned(bias))


def _rows(part: Part) -> list[Row]:
    return [(token, part.slot, part.start + i) for i, token in enumerate(part.tokens)]


def _within(numbers: list[int], bound: int) -> bool:
    return min(numbers) >= 0 and max(numbers) < bound


def _shapes(llama: Llama) -> list[tuple[int, ...]]:
    attended = llama.heads * llama.head_dim
    layer = [
        (attended + 2 * llama.kv_heads * llama.head_dim, llama.hidden),
        (llama.hidden, attended),
        (2 * llama.intermediate, llama.hidden),
        (llama.hidden, llama.intermediate),
    ]
    return [*layer * llama.layer_count, llama.head.weight.shape]
