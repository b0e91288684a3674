"""Ours, llama.cpp's server and `transformers serve` over the same weights, through HTTP.

    python -m benchmarks.engine [--rounds 3] [--at 1 8 32 64] [--tokens 64] [--servers ours …]

Each round starts one server after the other, in another order each time, and streams the same
questions with answers of the same length through it. Ours is the whole platform with keys, limits
and history on. The first run builds llama.cpp (a quarter of an hour on two cores) and installs what
`transformers serve` needs, both into a cache outside the checkout. Exit status 1: a target is
missed.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from benchmarks.chat_stream import ChatServer
from benchmarks.gateway import prepared_models
from benchmarks.load import WrongAnswerError
from benchmarks.platform_server import MODEL
from benchmarks.process import StartError
from benchmarks.serving.client import measured
from benchmarks.serving.llama_cpp import running_llama_cpp
from benchmarks.serving.loads import TURNS, Kind, Load
from benchmarks.serving.ours import running_platform
from benchmarks.serving.report import Case, table, verdicts
from benchmarks.serving.transformers_serve import running_transformers

SERVERS: Final = ("ours", "llama.cpp", "transformers")
SHARED_AT: Final = 32  # callers of the loads that share what they begin with
CHATTING_AT: Final = 8
CONTEXT: Final = 1024  # tokens a request of llama.cpp's has room for


def main() -> int:
    """Measure, print, and return the exit status."""
    options = _options()
    cases = list(_cases(options))
    floors: list[dict[int, float]] = []
    try:
        for number in range(options.rounds):
            floors.append(_floor(options))
            _round(options, cases, number)
    except (StartError, WrongAnswerError) as error:
        raise SystemExit(str(error)) from error
    _print(options, cases, {at: median(one[at] for one in floors) for at in floors[0]})
    results = list(verdicts(cases))
    print("", *(f"{'holds' if holds else 'MISSED'}: {what}" for holds, what in results), sep="\n")
    return 0 if all(holds for holds, _ in results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are told")
    parser.add_argument("--at", type=int, nargs="+", default=[1, 8, 32, 64], help="callers at once")
    parser.add_argument("--tokens", type=int, default=64, help="of each answer")
    parser.add_argument("--words", type=int, default=100, help="of each question")
    parser.add_argument("--each", type=int, default=2, help="conversations of each caller")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--dtype", help="of `transformers serve`; what torch is fastest in here")
    parser.add_argument("--tiers", default="", help="of ours that may be used, as BA; all")
    parser.add_argument("--only-independent", action="store_true", help="no prefixes, no chats")
    return parser.parse_args()


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    for at in options.at:
        yield Case("independent", at)
    if not options.only_independent:
        yield Case("shared prefix", min(SHARED_AT, max(options.at)))
        yield Case("multi-turn", min(CHATTING_AT, max(options.at)))


def _round(options: argparse.Namespace, cases: list[Case], number: int) -> None:
    shift = number % len(options.servers)
    order = options.servers[shift:] + options.servers[:shift]  # nobody always comes first
    for name in order:
        with tempfile.TemporaryDirectory() as folder, _running(name, options, folder) as server:
            measured(server, _load(options, "independent", 2, seed=-1))  # warm up
            for case in cases:
                figures = measured(server, _load(options, case.kind, case.at, seed=number))
                said = f"round {number + 1}, {name}, {case.kind} at {case.at}"
                print(f"{said}: {figures.tokens_per_s:.0f} tokens/s", file=sys.stderr)
                case.note(name, figures)


def _running(
    name: str, options: argparse.Namespace, folder: str
) -> AbstractContextManager[ChatServer]:
    model = prepared_models() / MODEL
    if name == "ours":
        return running_platform(model, options.tiers)
    if name == "llama.cpp":
        return running_llama_cpp(model, slots=max(options.at), context=CONTEXT)
    dtype = options.dtype or _fastest_dtype()
    return running_transformers(model, Path(folder), dtype, options.tokens)


def _load(options: argparse.Namespace, kind: Kind, at: int, *, seed: int) -> Load:
    # A caller alone asks more often, or a second's work would decide.
    each = max(options.each, 4) if at == 1 else options.each
    if kind == "multi-turn":
        each = max(1, each // TURNS)
    return Load(kind, at, options.tokens, options.words, each, seed)


def _floor(options: argparse.Namespace) -> dict[int, float]:
    """Measure the floor while nothing else of ours runs."""
    seen = str(options.words + options.tokens // 2)
    command = [sys.executable, "-m", "benchmarks.floor", str(prepared_models() / MODEL)]
    said = subprocess.check_output([*command, "--prompt", seen])
    return msgspec.json.decode(said, type=dict[int, float])


def _fastest_dtype() -> str:
    program = "from inference.engine.precision import *; print(compute_dtype('bfloat16'))"
    said = subprocess.check_output([sys.executable, "-c", program], text=True)
    return said.strip().removeprefix("torch.")


def _print(options: argparse.Namespace, cases: list[Case], floor: dict[int, float]) -> None:
    print(
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the end,"
        f" Python {platform.python_version()}; answers of {options.tokens} tokens to questions of"
        f" about {options.words}; {options.rounds} rounds.\n"
    )
    print(table(cases, floor))


if __name__ == "__main__":
    sys.exit(main())
