"""Latency of `/api/v1/requests` and `/api/v1/usage` over a long history, through HTTP.

`python -m benchmarks.history [--rows 1000000] [--calls 100]`. Fills a new SQLite database, most of
it one user's, and asks a real web process one call after the other. What is rare is at the far end
of the history: filters by it look at as many rows as a page ever does. Prints a Markdown table.
Exit status 1: a p95 is over the target.
"""

import argparse
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.history_rows import SPAN_DAYS, Filled, fill
from benchmarks.measurement import percentile
from benchmarks.platform_server import MODEL, running_platform
from benchmarks.process import StartError

TARGET_MS: Final = 100.0
_WARM_UP: Final = 5
_CHECKOUT: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    """Fill, measure, print, and return the exit status."""
    arguments = _arguments()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="history-") as folder,
            running_platform(Path(folder), _models()) as platform,
        ):
            filled = fill(arguments.rows)
            missed = _measure(platform.endpoint.port, filled, arguments.calls)
    except StartError as error:
        raise SystemExit(str(error)) from error
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the history")
    parser.add_argument("--calls", type=int, default=100, help="of each kind")
    return parser.parse_args()


def _models() -> Path:
    models = Path(os.environ.get("MODELS_DIR") or _CHECKOUT / "var" / "models").resolve()
    if not (models / MODEL / "manifest.json").exists():
        raise SystemExit(f"{models / MODEL} is not there yet: run `make run` once, or MODELS_DIR=…")
    return models


def _measure(port: int, filled: Filled, calls: int) -> list[str]:
    """Print a row a kind of call; return the kinds that missed the target."""
    print("| call | p50 ms | p95 ms |\n|---|---|---|")
    missed = []
    for name, key, address in _kinds(filled):
        ordered = sorted(_latencies(port, key, address, calls))
        p50, p95 = (percentile(ordered, rank) * 1000 for rank in (50, 95))
        print(f"| {name} | {p50:.1f} | {p95:.1f} |", flush=True)
        if p95 >= TARGET_MS:
            missed.append(name)
    print(f"\nMISSED {TARGET_MS:.0f} ms at p95: {', '.join(missed)}" if missed else "\nholds")
    return missed


def _kinds(filled: Filled) -> Iterator[tuple[str, str, str]]:
    """Yield what is asked: its name, with which key, and where."""
    requests = "/api/v1/requests"
    pages = {
        "first page": "",
        "first page of 200": "limit=200",
        "deep page": f"before={filled.deep}",
        "status": "status=completed",
        "status, rare": "status=failed",
        "model": "model=m1",
        "model, rare": "model=retired",
        "key": f"key={filled.key_id}",
        "key, rare": f"key={filled.rare_key_id}",
        "door": "door=completions",
        "door, rare": "door=generate/text",
        "finish_reason": "finish_reason=stop",
        "finish_reason, rare": "finish_reason=length",
        "from": f"from={filled.middle}",
        "to": f"to={filled.middle}",
        "from, to and all filters": f"from={filled.first}&to={filled.middle}&status=failed"
        f"&model=retired&door=generate/text&finish_reason=length&key={filled.key_id}",
    }
    for name, query in pages.items():
        yield f"requests: {name}", filled.key, f"{requests}?{query}"
    for name, query in {"everybody's": "", "everybody's, rare status": "&status=failed"}.items():
        yield f"requests: {name}", filled.admin_key, f"{requests}?all=true{query}"
    scattered = f"{requests}?user={filled.scattered}&status=failed"
    yield "requests: a user's of few rows, rare status", filled.admin_key, scattered
    yield "request", filled.key, f"{requests}/{filled.deep}"
    yield "request: explain", filled.key, f"{requests}/{filled.deep}/explain"
    year = f"from={filled.first[:10]}&to={filled.last[:10]}"
    yield "usage: 30 days", filled.key, f"/api/v1/usage?to={filled.last[:10]}"
    finest = f"/api/v1/usage?{year}&group_by=day,model,key"
    yield f"usage: {SPAN_DAYS} days by day, model and key", filled.key, finest
    yield (
        "usage: everybody's, 30 days",
        filled.admin_key,
        f"/api/v1/usage?all=true&to={filled.last[:10]}",
    )
    everybody = f"/api/v1/usage?all=true&{year}&group_by=model,user"
    yield f"usage: everybody's, {SPAN_DAYS} days by model and user", filled.admin_key, everybody


def _latencies(port: int, key: str, address: str, calls: int) -> list[float]:
    """Return seconds of each call. Raises SystemExit for an answer other than 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    latencies = []
    for _ in range(_WARM_UP + calls):
        began = time.perf_counter()
        connection.request("GET", address, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        body = answer.read()
        latencies.append(time.perf_counter() - began)
        if answer.status != http.client.OK:
            raise SystemExit(f"{address} answered {answer.status}: {body[:500]!r}")
    connection.close()
    return latencies[_WARM_UP:]


if __name__ == "__main__":
    sys.exit(main())
