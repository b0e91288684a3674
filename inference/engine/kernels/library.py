"""The compiled kernels, called with the addresses of tensors."""

import ctypes
import functools
from ctypes import POINTER, c_float, c_int, c_int64, c_void_p
from typing import Final

import torch
from torch import Tensor

from inference.engine.kernels.build import (
    KernelsUnavailableError,
    Target,
    build,
    kernels_folder,
    targets_here,
)


class LinearStruct(ctypes.Structure):
    """`Linear` in linear.h."""

    _fields_ = [
        ("weights", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
        ("outputs", c_int64),
        ("inputs", c_int64),
    ]


class LayerStruct(ctypes.Structure):
    """`Layer` in forward.h."""

    _fields_ = [
        ("attention_norm", c_void_p),
        ("query_norm", c_void_p),
        ("key_norm", c_void_p),
        ("mlp_norm", c_void_p),
        ("query_key_value", LinearStruct),
        ("output", LinearStruct),
        ("gate_up", LinearStruct),
        ("down", LinearStruct),
        ("keys", c_void_p),
        ("values", c_void_p),
    ]


class ModelStruct(ctypes.Structure):
    """`Model` in forward.h."""

    _fields_ = [
        ("layers", c_int64),
        ("hidden", c_int64),
        ("heads", c_int64),
        ("kv_heads", c_int64),
        ("head_dim", c_int64),
        ("intermediate", c_int64),
        ("context", c_int64),
        ("epsilon", c_float),
        ("embedding", c_void_p),
        ("cosines", c_void_p),
        ("sines", c_void_p),
        ("norm", c_void_p),
        ("head", LinearStruct),
        ("layer", POINTER(LayerStruct)),
    ]


FEW_ROWS: Final = 8  # their lines find room beside each other in the first-level cache

_SIGNATURES: Final = {
    "ask_permission": (c_int, []),
    "lanes": (c_int64, []),
    "reads_bfloat16": (c_int, []),
    "packed_size": (c_int64, [c_int64, c_int64]),
    "packed_scales": (c_int64, [c_int64, c_int64]),
    "pack_linear": (None, [c_void_p, c_int64, c_int64, c_void_p, c_int]),
    "pack_int8": (None, [c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_int]),
    "positions_together": (c_int64, [c_int64]),
    "activation_stride": (c_int64, [c_int64]),
    "apply_linear": (None, [POINTER(LinearStruct), c_void_p, c_int64, c_int64, c_void_p, c_int]),
    "apply_attention": (
        None,
        [*[c_void_p] * 2, *[c_int64] * 4, c_void_p, c_int64, *[c_void_p] * 2, c_int64,
         *[c_void_p] * 2, c_int],
    ),
    "apply_rms_norm": (None, [c_void_p, c_void_p, c_float, c_int64, c_int64, c_void_p]),
    "apply_rotation": (None, [c_void_p, c_void_p, c_void_p, c_int64]),
    "apply_gate": (None, [c_void_p, c_int64, c_void_p]),
    "multiplies_split": (c_int, []),
    "split_size": (c_int64, [c_int64, c_int64]),
    "pack_split": (None, [c_void_p, c_int64, c_int64, c_void_p, c_int]),
    "apply_split": (
        None,
        [*[c_void_p] * 2, *[c_int64] * 2, c_void_p, c_int64, *[c_void_p] * 2, c_int],
    ),
    "stretch_length": (c_int64, []),
    "forward_scratch": (c_int64, [POINTER(ModelStruct), c_int64]),
    "forward": (
        None,
        [POINTER(ModelStruct), *[c_void_p] * 3, c_int64, c_void_p, c_int64, *[c_void_p] * 2,
         c_int],
    ),
}  # fmt: skip


class Kernels:
    """The library of this processor. Its functions release Python's lock while they run."""

    def __init__(self, path: str) -> None:
        """Load it. torch is loaded already, and with it the OpenMP that both then share.

        Unless `permitted`, the system keeps registers from us that its functions need.
        """
        self.library = ctypes.CDLL(path)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        self.permitted = bool(self.library.ask_permission())
        self.lanes: int = self.library.lanes()
        # What a linear reads: bfloat16 where the processor multiplies it, else float32.
        self.activation = torch.bfloat16 if self.library.reads_bfloat16() else torch.float32

    def packed_size(self, outputs: int, inputs: int) -> int:
        """Return how many numbers a packed weight has."""
        return int(self.library.packed_size(outputs, inputs))

    def packed_scales(self, outputs: int, inputs: int) -> int:
        """Return how many scales a weight packed in int8 has."""
        return int(self.library.packed_scales(outputs, inputs))

    def pack(self, weight: Tensor, into: Tensor) -> None:
        """Lay out `weight` [outputs, inputs] in `into` [packed_size] of bfloat16."""
        source = weight.to(torch.bfloat16).contiguous()
        threads = torch.get_num_threads()
        self.library.pack_linear(source.data_ptr(), *source.shape, into.data_ptr(), threads)

    def pack_int8(self, weight: Tensor, into: Tensor, scales: Tensor) -> None:
        """Round `weight` to int8 into `into` [packed_size] with its `scales` [packed_scales]."""
        source = weight.float().contiguous()
        threads = torch.get_num_threads()
        self.library.pack_int8(
            source.data_ptr(), *source.shape, into.data_ptr(), scales.data_ptr(), threads
        )

    def linear(self, layer: LinearStruct, x: Tensor) -> Tensor:
        """Return x [rows, inputs] through `layer`: [rows, outputs] in float32."""
        rows = self._rows(x)
        out = torch.empty(len(x), layer.outputs)
        stride, threads = rows.stride(0), torch.get_num_threads()
        self.library.apply_linear(layer, rows.data_ptr(), stride, len(x), out.data_ptr(), threads)
        return out

    def _rows(self, x: Tensor) -> Tensor:
        """Return `x` as a linear reads it; many rows do not lie close (row_stride in linear.h)."""
        count, inputs = x.shape
        if count <= FEW_ROWS and x.dtype == self.activation and x.stride(1) == 1:
            return x
        rows = torch.empty(count, self.library.activation_stride(inputs), dtype=self.activation)
        rows[:, :inputs] = x
        return rows


@functools.cache
def load_kernels() -> Kernels:
    """Return this machine's kernels, compiled if need be. Raises KernelsUnavailableError."""
    return next(kernels for kernels in map(load_target, targets_here()) if kernels.permitted)


def load_target(target: Target) -> Kernels:
    """Return the kernels for one kind of processor. Raises KernelsUnavailableError."""
    path = build(kernels_folder(), target)
    try:
        return Kernels(str(path))
    except (OSError, AttributeError) as error:
        raise KernelsUnavailableError(f"{path} cannot be loaded: {error}") from error
