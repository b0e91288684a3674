"""Tokens a second of a running platform at rising concurrency, streamed through HTTP.

`python -m benchmarks.concurrency [--url http://127.0.0.1:8000] [--at 1 8 32 64] [--tokens 64]`
asks the platform that `make run` started; the key is the first one, or `API_KEY`. Every request
asks for the same number of tokens of the default model with a prompt of its own. Prints a Markdown
table and exits 1 unless the largest concurrency gives at least 3 times the tokens of one alone.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NEEDED_RATIO = 3.0


@dataclass
class Stream:
    """When one request's tokens arrived; seconds, monotonic."""

    began: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    tokens: int = 0


async def stream(url: str, key: str, number: int, tokens: int) -> Stream:
    """Ask once and note when each event with text arrives. Raises RuntimeError on a refusal."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    made = Stream(began=time.perf_counter())
    writer.write(_request(address.netloc, key, number, tokens))
    async for line in reader:
        if line.startswith(b"HTTP/1.1") and b" 200 " not in line:
            raise RuntimeError(f"refused: {line.decode().strip()}")
        if line.strip() == b"data: [DONE]":
            break
        if line.startswith(b"data: "):
            _note(made, json.loads(line[len(b"data: ") :]))
    writer.close()
    return made


def _request(host: str, key: str, number: int, tokens: int) -> bytes:
    body = {
        "messages": [{"role": "user", "content": f"Count upwards from {number}, in words."}],
        "max_tokens": tokens,
        "temperature": 1,
        "seed": number,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    text = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


def _note(made: Stream, event: dict[str, Any]) -> None:
    if event["choices"] and event["choices"][0]["delta"].get("content"):
        made.arrivals.append(time.perf_counter())
    if event.get("usage"):
        made.tokens = event["usage"]["completion_tokens"]


async def measure(url: str, key: str, at: int, tokens: int) -> dict[str, float]:
    """Run `at` requests at once and return what the table shows."""
    began = time.perf_counter()
    streams = await asyncio.gather(*(stream(url, key, n, tokens) for n in range(at)))
    seconds = time.perf_counter() - began
    gaps = [b - a for one in streams for a, b in pairwise(one.arrivals)]
    return {
        "at": at,
        "rate": sum(one.tokens for one in streams) / seconds,
        "ttft": statistics.median(one.arrivals[0] - one.began for one in streams),
        "itl": statistics.median(gaps),
        "interleaved": interleaving(streams),
    }


def interleaving(streams: list[Stream]) -> float:
    """Return which share of consecutive arrivals belongs to different streams."""
    order = sorted((when, number) for number, one in enumerate(streams) for when in one.arrivals)
    changes = sum(a[1] != b[1] for a, b in pairwise(order))
    return changes / max(1, len(order) - 1)


def first_key() -> str:
    """Return the key that the first run left behind, or `API_KEY`."""
    if "API_KEY" in os.environ:
        return os.environ["API_KEY"]
    file = Path(os.environ.get("VAR_DIR", "var")) / "first-run.txt"
    found = re.search(r"aip_\w+", file.read_text()) if file.exists() else None
    if found is None:
        sys.exit("No API key: set API_KEY, or VAR_DIR to that of the running platform.")
    return found[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--at", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    key = first_key()
    asyncio.run(measure(options.url, key, 2, 8))  # warm up
    rows = [asyncio.run(measure(options.url, key, at, options.tokens)) for at in options.at]
    print("| at once | tokens/s | times one alone | TTFT p50 | ITL p50 | interleaved |")
    print("|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        print(
            f"| {row['at']:.0f} | {row['rate']:.0f} | {row['rate'] / rows[0]['rate']:.1f} "
            f"| {row['ttft'] * 1000:.0f} ms | {row['itl'] * 1000:.0f} ms "
            f"| {row['interleaved']:.0%} |"
        )
    sys.exit(rows[-1]["rate"] < NEEDED_RATIO * rows[0]["rate"])


if __name__ == "__main__":
    main()
