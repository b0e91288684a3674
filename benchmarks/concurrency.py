"""Tokens a second of a running platform at rising concurrency, streamed through HTTP.

`python -m benchmarks.concurrency [--url http://127.0.0.1:8000] [--at 1 8 32 64] [--tokens 64]`
asks the platform that `make run` started; the key is the first one, or `API_KEY`. Every request
asks for the same number of tokens of the default model with a prompt of its own. Prints a Markdown
table and exits 1 unless the largest concurrency gives at least 3 times the tokens of one alone.
"""

import argparse
import asyncio
import os
import re
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.chat_stream import ChatServer, Stream, stream

NEEDED_RATIO = 3.0


async def ask(server: ChatServer, number: int, tokens: int) -> Stream:
    """Ask once, something that nobody else asks."""
    question = {"role": "user", "content": f"Count upwards from {number}, in words."}
    return await stream(server, [question], max_tokens=tokens, temperature=1, seed=number)


async def measure(server: ChatServer, at: int, tokens: int) -> dict[str, float]:
    """Run `at` requests at once and return what the table shows."""
    began = time.perf_counter()
    streams = await asyncio.gather(*(ask(server, n, tokens) for n in range(at)))
    seconds = time.perf_counter() - began
    return {
        "at": at,
        "rate": sum(one.tokens for one in streams) / seconds,
        "ttft": statistics.median(one.first_s for one in streams),
        "itl": statistics.median(gap for one in streams for gap in one.gaps),
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
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--at", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    address = urlsplit(options.url)
    server = ChatServer(
        name="the platform",
        host=address.hostname or "127.0.0.1",
        port=address.port or 80,
        model=options.model,
        key=first_key(),
        fields={"stream_options": {"include_usage": True}},
    )
    asyncio.run(measure(server, 2, 8))  # warm up
    rows = [asyncio.run(measure(server, at, options.tokens)) for at in options.at]
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
