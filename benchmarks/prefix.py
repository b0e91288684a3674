"""Tokens a second of requests that begin with the same text, with and without reuse of it.

`python -m benchmarks.prefix [--model DIR] [--requests 32] [--prefix 400] [--own 32] [--new 64]`
loads the model into this process and lets all requests arrive at once, alternately as one tenant's
and as that of as many tenants, between whom nothing is reused. Prints a Markdown table and exits 1
unless reuse gives at least 3 times the tokens of no reuse.
"""

import argparse
import io
import os
import random
import statistics
import sys
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # as the runner has it

import torch

from inference.engine.config import RunnerConfig
from inference.engine.engine import Engine
from inference.engine.loading import load_engine
from inference.engine.log import Log
from inference.engine.model_directory import ModelDirectory
from inference.engine.outgoing import Deliver
from inference.engine.process import core_count
from inference.engine.statistics import Statistics
from inference.engine.wire import Deltas, Finished, Message, Submit

NEEDED_RATIO = 3.0
ORDINARY = range(1000, 40_000)  # token ids that are plain text


@dataclass
class Answers:
    """What the engine delivered."""

    texts: dict[str, str] = field(default_factory=dict)
    ends: list[Finished] = field(default_factory=list)

    def take(self, delivered: list[tuple[Hashable, list[Message]]]) -> None:
        for _, messages in delivered:
            for message in messages:
                if isinstance(message, Deltas):
                    for delta in message.items:
                        self._add(delta.request_id, delta.text)
                elif isinstance(message, Finished):
                    self._add(message.request_id, message.text)
                    self.ends.append(message)

    def _add(self, request_id: str, text: str) -> None:
        self.texts[request_id] = self.texts.get(request_id, "") + text


@dataclass
class Round:
    """One load from the first submission to the last token."""

    tokens_per_s: float
    cpu_s: float  # of all threads; says more than the clock where others use the machine
    first_token_s: float  # median over the requests
    cached: int  # prompt tokens that were not computed
    texts: list[str]


def load(directory: Path, slots: int, threads: int, deliver: Deliver) -> Engine:
    """Return an engine over the model in `directory`, as a runner would have it."""
    config = RunnerConfig("benchmark", str(directory), "unused", slots=slots, context_length=1024)
    torch.set_num_threads(threads)
    return load_engine(
        config,
        ModelDirectory(directory),
        statistics=Statistics(),
        log=Log("benchmark", io.StringIO()),
        deliver=deliver,
    )


def play(
    engine: Engine, answers: Answers, prompts: list[list[int]], new: int, tenant: str
) -> Round:
    """Submit all prompts at once; with `{}` in `tenant` each is another tenant's."""
    answers.texts.clear()
    answers.ends.clear()
    began, cpu = time.perf_counter(), time.process_time()
    for number, prompt in enumerate(prompts):
        who = tenant.format(number)
        request = Submit(str(number), prompt, new, tenant=who, ignore_eos=True)
        engine.submit("benchmark", request)
    while engine.busy:
        engine.step()
    seconds = time.perf_counter() - began
    usages = [end.usage for end in answers.ends]
    return Round(
        tokens_per_s=sum(usage.completion_tokens for usage in usages) / seconds,
        cpu_s=time.process_time() - cpu,
        first_token_s=statistics.median(usage.first_token_s for usage in usages),
        cached=sum(usage.cached_tokens for usage in usages),
        texts=[answers.texts[str(number)] for number in range(len(prompts))],
    )


def prompts(options: argparse.Namespace, seed: int) -> list[list[int]]:
    """Return prompts of random ordinary tokens whose first `prefix` are the same."""
    source = random.Random(seed)
    prefix = source.choices(ORDINARY, k=options.prefix)
    return [[*prefix, *source.choices(ORDINARY, k=options.own)] for _ in range(options.requests)]


def report(name: str, rounds: list[Round]) -> str:
    rates = [one.tokens_per_s for one in rounds]
    first = statistics.median(one.first_token_s for one in rounds)
    shown = ", ".join(f"{rate:.0f}" for rate in rates)
    return (
        f"| {name} | {statistics.median(rates):.0f} ({shown}) | {first:.2f} s"
        f" | {statistics.median(one.cpu_s for one in rounds):.1f} s | {rounds[-1].cached} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("var/models/smollm2-135m-instruct"))
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--prefix", type=int, default=400, help="tokens that all have in common")
    parser.add_argument("--own", type=int, default=32, help="tokens of each one's own")
    parser.add_argument("--new", type=int, default=64, help="tokens to make")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=core_count())
    options = parser.parse_args()
    answers = Answers()
    with torch.inference_mode():
        engine = load(options.model, options.requests, options.threads, answers.take)
        play(engine, answers, prompts(options, -1)[:2], 4, "warm up")
        alone, shared = [], []
        for number in range(options.rounds):
            asked = prompts(options, number)
            alone.append(play(engine, answers, asked, options.new, "{}"))
            shared.append(play(engine, answers, asked, options.new, "one"))
    rates = [statistics.median(one.tokens_per_s for one in each) for each in (shared, alone)]
    pairs = zip(alone, shared, strict=True)
    equal = sum(a == b for x, y in pairs for a, b in zip(x.texts, y.texts, strict=True))
    print("| | tokens/s (rounds) | TTFT p50 | processor | prompt tokens reused |")
    print("|---|--:|--:|--:|--:|")
    print(report("no reuse", alone))
    print(report("reuse", shared))
    print(f"\n{rates[0] / rates[1]:.2f} times (at least {NEEDED_RATIO:g});", end=" ")
    print(f"{equal} of {options.rounds * options.requests} texts are equal")
    sys.exit(rates[0] < NEEDED_RATIO * rates[1])


if __name__ == "__main__":
    main()
