"""Embeddings a second through a whole platform, beside sentence-transformers by itself.

`python -m benchmarks.kinds [--url http://127.0.0.1:8000] [--at 1 8 64] [--words 64]` asks the
platform that `make run` started, one text a request, keys, limits and history on; the key is the
first one, or `API_KEY`. In turn with that, sentence-transformers embeds texts of the same lengths
offline, at its best batch size, in an environment of its own under VAR_DIR. Prints a Markdown table
and exits 1 unless the largest concurrency gives at least 90 % of that.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks import embedding_offline
from benchmarks.concurrency import first_key
from benchmarks.embedding_texts import texts
from benchmarks.measurement import Measurement, measurement_of

NEEDED: Final = 0.9
_OFFLINE_TEXTS: Final = 512


class Caller:
    """One connection that asks for one vector after the other."""

    def __init__(self, url: str, key: str, model: str) -> None:
        self._address = urlsplit(url)
        self._head = (
            "POST /v1/embeddings HTTP/1.1\r\nHost: benchmark\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: "
        ).encode()
        self._model = model

    async def run(self, source: Iterator[str], end: float) -> list[float]:
        """Ask until `end`, a time of perf_counter; return the latencies in seconds."""
        host, port = self._address.hostname or "127.0.0.1", self._address.port or 80
        reader, writer = await asyncio.open_connection(host, port)
        latencies = []
        while (began := time.perf_counter()) < end:
            writer.write(self._request(next(source)))
            await _answer(reader)
            latencies.append(time.perf_counter() - began)
        writer.close()
        return latencies

    def _request(self, text: str) -> bytes:
        body = {"model": self._model, "input": text, "encoding_format": "base64"}
        content = json.dumps(body).encode()
        return self._head + f"{len(content)}\r\n\r\n".encode() + content


async def _answer(reader: asyncio.StreamReader) -> None:
    """Read one answer; ends the benchmark for one that is no 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if b" 200 " not in head.partition(b"\r\n")[0]:
        sys.exit(body.decode(errors="replace")[:2000])


async def served(caller: Caller, at: int, seconds: float, words: int) -> Measurement:
    """Return what `at` callers at once get in `seconds`."""
    source = itertools.cycle(texts(10_000, words))
    end = time.perf_counter() + seconds
    latencies = await asyncio.gather(*(caller.run(source, end) for _ in range(at)))
    return measurement_of([one for each in latencies for one in each], seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="all-minilm-l6-v2")
    parser.add_argument(
        "--directory", type=Path, help="of the model; VAR_DIR/models/MODEL if absent"
    )
    parser.add_argument("--at", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--words", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    var_dir = Path(os.environ.get("VAR_DIR", "var")).resolve()
    directory = options.directory or var_dir / "models" / options.model
    place = embedding_offline.environment(var_dir)
    caller = Caller(options.url, first_key(), options.model)
    asyncio.run(served(caller, 8, 3, options.words))  # warm up
    offline: list[float] = []
    rounds: dict[int, list[Measurement]] = {at: [] for at in options.at}
    sample = texts(_OFFLINE_TEXTS, options.words)
    for _ in range(options.rounds):
        by_size = embedding_offline.rates(place, directory, sample, os.cpu_count() or 1)
        offline.append(max(by_size.values()))
        for at, found in rounds.items():
            found.append(asyncio.run(served(caller, at, options.seconds, options.words)))
    _print(statistics.median(offline), rounds)


def _print(offline: float, rounds: dict[int, list[Measurement]]) -> None:
    """Print the table, and exit 1 where the target does not hold."""
    print(f"sentence-transformers, offline, best batch: {offline:.0f} embeddings/s\n")
    print("| at once | embeddings/s | of offline | p50 | p99 |\n|--:|--:|--:|--:|--:|")
    share = 0.0
    for at, found in rounds.items():
        rate = statistics.median(one.rps for one in found)
        share = rate / offline
        p50 = statistics.median(one.p50_ms for one in found)
        p99 = statistics.median(one.p99_ms for one in found)
        print(f"| {at} | {rate:.0f} | {share:.0%} | {p50:.1f} ms | {p99:.1f} ms |")
    sys.exit(share < NEEDED)


if __name__ == "__main__":
    main()
