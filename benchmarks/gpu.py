"""Tokens a second of an 8B Llama on a GPU: ours, transformers' continuous batching, and the floor.

    python -m benchmarks.gpu [--device cuda:N] [--tiny]

Weights are random and made on the device from the configuration of Llama 3.1 8B, in bfloat16;
nothing is fetched. Each of 1, 32 and 256 requests has a prompt of 128 tokens, all different, and
makes 256, greedy; prompts count into the time, the first time is not counted. The floor is what the
card needs at least: in each step every weight is read once, or multiplied with every row if that
takes longer, and all keys and values are read; before that, prompts are multiplied.

Without a CUDA device it says so and measures nothing. `--tiny --device cpu` runs all of it on a
model of two layers, to see that it works: its numbers mean nothing.

It has never run on a GPU: none was at hand when it was written.
"""

import argparse
import gc
import os
import sys
from functools import partial
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers.utils import logging

from benchmarks.floor import Machine, Model, best_s
from benchmarks.gpu_engine import OurEngine, synchronized
from benchmarks.gpu_load import SMALL, WHOLE, Load, random_model, tokens_per_s
from benchmarks.gpu_peer import peer
from inference.engine.footprint import token_bytes

_SIDE: Final = 8192  # of the matrices that are multiplied; a gigabyte is read
_TINY_SIDE: Final = 512


def measure(device: torch.device, dtype: torch.dtype, side: int) -> Machine:
    """Measure how fast memory is read and how fast large matrices are multiplied."""
    block = torch.ones(4, side, side, device=device)
    square = torch.ones(side, side, device=device, dtype=dtype)

    def done(work: partial[Any]) -> None:
        work()
        synchronized(device)

    reading = best_s(partial(done, partial(torch.sum, block)))
    multiplying = best_s(partial(done, partial(torch.mm, square, square)))
    return Machine(block.nbytes / reading, 2 * side**3 / multiplying)


def floor_tokens_per_s(machine: Machine, model: Model, load: Load, rows: int) -> float:
    """Return what cannot be surpassed."""
    prompts_s = 2 * model.weights * rows * load.prompt / machine.operations_per_s
    step_s = model.floor_s(machine, rows, load.prompt + load.made // 2)
    return rows * load.made / (prompts_s + load.made * step_s)


def weights_of(model: Any, itemsize: int) -> Model:
    """Return what a step of it must do; the embedding's rows are looked up, not multiplied."""
    count = sum(one.numel() for one in model.parameters())
    embedding = model.get_input_embeddings().weight.numel()
    return Model(count - embedding, token_bytes(model.config, itemsize))


def peers_rates(model: Any, load: Load) -> dict[int, float]:
    found = {}
    for rows in load.rows:
        with peer(model, load, rows) as one:
            found[rows] = tokens_per_s(one.run, load.prompts(rows))
        gc.collect()
        if model.device.type == "cuda":
            torch.cuda.empty_cache()
    return found


@torch.inference_mode()
def our_rates(model: Any, load: Load) -> dict[int, float]:
    ours = OurEngine(model, load)
    return {rows: tokens_per_s(ours.run, load.prompts(rows)) for rows in load.rows}


def compare(device: torch.device, load: Load, side: int) -> None:
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    machine = measure(device, dtype, side)
    model = random_model(load, device, dtype)
    floor = weights_of(model, dtype.itemsize)
    theirs = peers_rates(model, load)
    ours = our_rates(model, load)  # last: it takes the weights
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
    print(
        f"{card}: {machine.bytes_per_s / 1e9:.0f} GB/s, {machine.operations_per_s / 1e12:.2f}"
        f" TFLOP/s; {floor.weights / 1e9:.2f} G weights in {str(dtype).removeprefix('torch.')};"
        f" torch {torch.__version__}\n"
    )
    print("| requests at once | ours | transformers | floor | ours to floor |")
    print("|--:|--:|--:|--:|--:|")
    for rows in load.rows:
        bound = floor_tokens_per_s(machine, floor, load, rows)
        print(
            f"| {rows} | {ours[rows]:.0f} | {theirs[rows]:.0f} | {bound:.0f}"
            f" | {ours[rows] / bound:.0%} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="two layers, to see that it works")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device that torch sees: nothing was measured.")
        return 1
    if device.type == "cuda":
        torch.cuda.set_device(device)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    load, side = (SMALL, _TINY_SIDE) if options.tiny else (WHOLE, _SIDE)
    compare(device, load, side)
    if device.type != "cuda":
        print("\nThis ran on the CPU: it shows that the benchmark works, and nothing of a GPU.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
