"""The platform's own overhead, beside LiteLLM's proxy on the same machine at the same time.

`python -m benchmarks.gateway [--seconds N] [--rounds N]`. Either is one process, and behind either
stands something that answers after 20 ms instead of a model. Exit status 1: a target is missed.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks import litellm_proxy
from benchmarks.endpoint import Endpoint
from benchmarks.load import WrongAnswerError, measured
from benchmarks.measurement import Measurement
from benchmarks.model_time import runner_ms
from benchmarks.platform_server import MODEL, history_rows, running_platform
from benchmarks.process import StartError
from benchmarks.report import Pair, Row, table, verdicts

CONCURRENCY: Final = (1, 16, 64)
_CHECKOUT: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measure, print, and return the exit status."""
    arguments = _arguments()
    try:
        pairs = _measured(arguments, prepared_models())
    except (StartError, WrongAnswerError) as error:
        raise SystemExit(str(error)) from error
    print(table(pairs))
    results = list(verdicts(pairs))
    print("", *(f"{'holds' if holds else 'MISSED'}: {what}" for holds, what in results), sep="\n")
    return 0 if all(holds for holds, _ in results) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are told")
    parser.add_argument("--litellm-workers", type=int, default=1, help="processes of LiteLLM's")
    return parser.parse_args()


def prepared_models() -> Path:
    """Return the folder of prepared models: the tokenizer is the real one."""
    models = Path(os.environ.get("MODELS_DIR") or _CHECKOUT / "var" / "models").resolve()
    if not (models / MODEL / "manifest.json").exists():
        raise SystemExit(f"{models / MODEL} is not there yet: run `make run` once, or MODELS_DIR=…")
    return models


def _measured(arguments: argparse.Namespace, models: Path) -> list[Pair]:
    place = litellm_proxy.environment()
    with (
        tempfile.TemporaryDirectory(prefix="gateway-") as name,
        running_platform(Path(name), models) as ours,
        litellm_proxy.running_proxy(Path(name), place, arguments.litellm_workers) as (proxy, mock),
    ):
        _describe(arguments, litellm_proxy.version(place))
        model_ms = asyncio.run(runner_ms(ours.runner_socket))
        mock_ms = _measure(mock, 1, min(3.0, arguments.seconds)).p50_ms
        print(f"Alone: canned runner {model_ms:.2f} ms, mock {mock_ms:.2f} ms.\n")
        pairs = [
            _pair(arguments, concurrency, (ours.endpoint, model_ms), (proxy, mock_ms))
            for concurrency in CONCURRENCY
        ]
        _check_history(pairs)
    return pairs


def _pair(
    arguments: argparse.Namespace,
    concurrency: int,
    ours: tuple[Endpoint, float],
    theirs: tuple[Endpoint, float],
) -> Pair:
    rounds: dict[str, list[Measurement]] = {ours[0].name: [], theirs[0].name: []}
    for number in range(arguments.rounds):
        # Taking turns, so that neither always comes first.
        for endpoint, _ in (ours, theirs) if number % 2 == 0 else (theirs, ours):
            rounds[endpoint.name].append(_measure(endpoint, concurrency, arguments.seconds))
    rows = [Row(one.name, concurrency, alone, rounds[one.name]) for one, alone in (ours, theirs)]
    return Pair(*rows)


def _measure(endpoint: Endpoint, concurrency: int, seconds: float) -> Measurement:
    measurement = measured(endpoint.load(concurrency, seconds))
    print(f"{endpoint.name} at {concurrency}: {measurement.rps:.0f}/s", file=sys.stderr)
    return measurement


def _describe(arguments: argparse.Namespace, litellm: str) -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"{os.cpu_count()} cores, load {load} at the start, Python {platform.python_version()}, "
        f"LiteLLM {litellm} with {arguments.litellm_workers} worker(s), "
        f"{arguments.rounds} rounds of {arguments.seconds:g} s."
    )


def _check_history(pairs: list[Pair]) -> None:
    """Overhead counts only with the ledger on: every answer measured has its row."""
    answered = sum(one.requests for pair in pairs for one in pair.ours.rounds)
    written = history_rows()
    if written < answered:
        raise WrongAnswerError(f"{answered} answers, but only {written} rows of history")


if __name__ == "__main__":
    sys.exit(main())
