"""Tokens a second of each tier, in process, beside what the machine could do at most.

    python -m benchmarks.tiers [directory of a prepared model [letters of tiers, as in CB]]

The floors are measured in the same run, memory in huge pages as weights lie in them: a step must
read every weight once (memory bandwidth), and multiply it with every row (what a large matrix
product reaches), and read every row's keys and values. They are those of weights in bfloat16, for
int8 as well. Tiers take turns, several rounds; the median of the rounds is shown, since other work
on the machine disturbs single ones.
"""

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # as the runner has it

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from benchmarks.floor import DEFAULT, Machine, Model, measure_machine, read_model
from inference.engine.decoder import SlotDecoder
from inference.engine.largest import largest
from inference.engine.model_directory import ModelDirectory
from inference.engine.precision import compute_dtype
from inference.engine.process import core_count
from inference.engine.tiers import Tier, Tiers, TierUnavailableError

BATCHES: Final = (1, 8, 32)
ROUNDS: Final = 5
STEPS: Final = 32  # a round
PROMPT: Final = 128  # tokens that each row looks back on
CONTEXT: Final = 512


def decode_tokens_per_s(decoder: SlotDecoder, rows: int) -> float:
    tokens = [7] * rows
    begun = time.perf_counter()
    for step in range(STEPS):
        _, largest_at = largest(decoder.decode(tokens, [PROMPT + step] * rows))
        tokens = largest_at.tolist()
    return rows * STEPS / (time.perf_counter() - begun)


def build(tier: Tier, directory: Path) -> SlotDecoder | None:
    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(directory, dtype=torch.bfloat16, local_files_only=True)
    try:
        decoder = tier.build(model.to(compute_dtype("bfloat16")).eval())
    except TierUnavailableError as reason:
        print(f"{tier.letter}, {tier.name}: left out, {reason}")
        return None
    for slot in range(max(BATCHES)):
        decoder.prefill([7] * PROMPT, slot, 0)
    return decoder


@torch.inference_mode()
def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    letters = sys.argv[2] if len(sys.argv) > 2 else "CBA"
    ModelDirectory(directory)
    torch.set_num_threads(int(os.environ.get("THREADS", core_count())))
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    tiers = [
        *Tiers("bfloat16", slots=max(BATCHES), context=CONTEXT).all(),
        Tiers("int8", slots=max(BATCHES), context=CONTEXT).all()[0],
    ]
    wanted = [tier for tier in tiers if tier.letter in letters]
    built = {tier: decoder for tier in wanted if (decoder := build(tier, directory)) is not None}
    rates: dict[tuple[Tier, int], list[float]] = {}
    machines = []
    for _ in range(ROUNDS):
        machines.append(measure_machine())
        for rows in BATCHES:
            for tier, decoder in built.items():
                rates.setdefault((tier, rows), []).append(decode_tokens_per_s(decoder, rows))
    report(
        read_model(directory), Machine(*map(statistics.median, zip(*machines, strict=True))), rates
    )


def report(model: Model, machine: Machine, rates: dict[tuple[Tier, int], list[float]]) -> None:
    print(
        f"{torch.get_num_threads()} threads, {machine.bytes_per_s / 1e9:.1f} GB/s,"
        f" {machine.operations_per_s / 1e9:.0f} GFLOP/s; {model.weights / 1e6:.0f} M weights\n"
    )
    print("| tier | " + " | ".join(f"{rows} at once" for rows in BATCHES) + " |")
    print("|---|" + "--:|" * len(BATCHES))
    floors = {rows: rows / model.floor_s(machine, rows, PROMPT) for rows in BATCHES}
    for tier in dict.fromkeys(tier for tier, _ in rates):
        medians = {rows: statistics.median(rates[tier, rows]) for rows in BATCHES}
        shown = [f"{rate:.0f} ({rate / floors[rows]:.0%})" for rows, rate in medians.items()]
        print(f"| {tier.letter}, {tier.name} | " + " | ".join(shown) + " |")
    print("| the floor | " + " | ".join(f"{floors[rows]:.0f}" for rows in BATCHES) + " |")


if __name__ == "__main__":
    main()
