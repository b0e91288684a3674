"""What this machine could do at most, and what a model must do at least.

`python -m benchmarks.floor [directory of a prepared model] [--prompt TOKENS]` prints the floor's
tokens a second at 1, 8, 32 and 64 requests at once, as one JSON object.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

os.environ["HF_HUB_OFFLINE"] = "1"

import msgspec
import torch
from transformers import AutoConfig

from inference.engine.footprint import token_bytes, weight_count
from inference.engine.kernels.memory import WeightMemory
from inference.engine.precision import compute_dtype
from inference.engine.process import core_count

DEFAULT: Final = Path(os.environ.get("VAR_DIR", "var")) / "models" / "smollm2-135m-instruct"
_BATCHES: Final = (1, 8, 32, 64)


class Machine(NamedTuple):
    """What was measured of it."""

    bytes_per_s: float
    operations_per_s: float  # a multiplication and an addition are two


class Model(NamedTuple):
    """What a step of it must read and compute."""

    weights: int
    token_bytes: int  # keys and values, in bfloat16

    def floor_s(self, machine: Machine, rows: int, seen: int) -> float:
        """Return the least time of a step of `rows` that each look back on `seen` tokens.

        Memory or arithmetic, whichever is longer, and what is read of keys and values.
        """
        reading = self.weights * 2 / machine.bytes_per_s
        computing = self.weights * 2 * rows / machine.operations_per_s
        return max(reading, computing) + rows * seen * self.token_bytes / machine.bytes_per_s


def read_model(directory: Path) -> Model:
    """Return what the model in `directory` must do."""
    config = AutoConfig.from_pretrained(directory, local_files_only=True)
    return Model(weight_count(directory), token_bytes(config, torch.bfloat16.itemsize))


def best_s(work: Callable[[], object], times: int = 8) -> float:
    """Return the shortest of several runs, after one that warms up."""
    work()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def measure_machine() -> Machine:
    """Measure how fast memory is read and how fast large matrices are multiplied."""
    # 256 MiB, beyond any cache, in the huge pages that weights lie in. Of torch's ways to read all
    # of it the maximum is the quickest. (36 GB/s on two cores; a sum over ordinary pages says 25.)
    block = WeightMemory(256 << 20).take(64 << 20, torch.float32).fill_(1)
    rates = []
    for dtype in {torch.float32, compute_dtype("bfloat16")}:
        square = torch.ones(2048, 2048, dtype=dtype)
        rates.append(2 * 2048**3 / best_s(partial(torch.mm, square, square)))
    return Machine(block.nbytes / best_s(block.amax), max(rates))


def main() -> None:
    """Print the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?", default=DEFAULT)
    parser.add_argument("--prompt", type=int, default=128, help="tokens that each row looks at")
    options = parser.parse_args()
    torch.set_num_threads(core_count())
    machine, model = measure_machine(), read_model(options.model)
    floor = {at: at / model.floor_s(machine, at, options.prompt) for at in _BATCHES}
    print(msgspec.json.encode(floor).decode())


if __name__ == "__main__":
    main()
