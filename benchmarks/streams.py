"""What a streamed token costs the web process, and whether any is lost or late.

`python -m benchmarks.streams [--streams 1000] [--tokens 128] [--rounds 3]`. Over websockets
and as server-sent events, each plain and resumable, so many streams are open at once, each on a
connection of its own; a canned runner makes every token on its own and writes the time into it.
A second run with as many streams, whose tokens all come at once, is what a stream costs without
them; the difference is the tokens'. Among the plain websockets one client reads nothing for two
seconds. Delays are those of tokens made once all streams have begun; they hold on an idle machine
alone, for the client that measures takes its share. Processor time is read from /proc, and of the
rounds the one that took the least of it is told, with the median and the most of all: what else
runs on the machine, or beside it on a virtual one's host, only ever adds. Exit status 1: a
token was lost or doubled, or one of a stream that is not resumable costs more than the target.
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import uvloop

from benchmarks.gateway import prepared_models
from benchmarks.measurement import percentile
from benchmarks.platform_server import MODEL, Platform, running_platform
from benchmarks.process import running
from benchmarks.resident import resident_bytes
from benchmarks.stream_clients import Asked, Seen, over_events, over_websocket

TARGET_US: Final = 60.0
STALLED_S: Final = 2.0
_STREAMING: Final = "streaming"
_AT_ONCE: Final = "at-once"


class Way(NamedTuple):
    """One way to take a stream."""

    name: str
    events: bool
    resumable: bool


WAYS: Final = (
    Way("websocket", events=False, resumable=False),
    Way("SSE", events=True, resumable=False),
    Way("websocket, resumable", events=False, resumable=True),
    Way("SSE, resumable", events=True, resumable=True),
)


class Measured(NamedTuple):
    """What one run came to."""

    seen: Seen
    cpu_s: float
    peak_bytes: int


class Round(NamedTuple):
    """What a round of one way came to."""

    tokens: int
    token_us: float  # of web CPU
    p50_s: float  # of a token's delay
    p99_s: float
    stream_bytes: float


def main() -> int:
    """Measure, print, and return the exit status."""
    arguments = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What has ended may still be on its way to the limits when the next run begins.
    os.environ["MAX_CONCURRENT_PER_USER"] = str(3 * arguments.streams)
    os.environ["WEBSOCKET_MAX_PER_USER"] = str(3 * arguments.streams)
    with (
        tempfile.TemporaryDirectory(prefix="streams-") as folder,
        running_platform(Path(folder), prepared_models()) as platform,
        ExitStack() as stack,
    ):
        _start_runners(stack, Path(folder), arguments)
        return uvloop.run(_measure(platform, arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=128, help="of each stream")
    parser.add_argument("--interval-ms", type=float, default=250.0, help="between two of them")
    parser.add_argument("--rounds", type=int, default=3, help="of each way")
    parser.add_argument("--ways", type=int, default=len(WAYS), help="only the first so many")
    return parser.parse_args()


def _start_runners(stack: ExitStack, folder: Path, arguments: argparse.Namespace) -> None:
    from django.conf import settings

    from inference.registry.models import Model

    source = Model.objects.get(name=MODEL).source
    for name, interval_ms in ((_STREAMING, arguments.interval_ms), (_AT_ONCE, 0.0)):
        Model.objects.create(
            name=name,
            source=source,
            context_length=2048,
            max_output_tokens=arguments.tokens,
            slots=3 * arguments.streams,
        )
        command = [
            *(sys.executable, "-m", "tests.canned_runner", "--stamped", "--model", name),
            *("--socket", str(folder / f"{name}.sock"), "--redis-url", settings.REDIS_URL),
            *("--tokens", str(arguments.tokens), "--interval-ms", str(interval_ms)),
            *("--slots", str(arguments.streams)),
        ]
        stack.enter_context(running(command, folder / f"{name}.log"))


async def _measure(platform: Platform, arguments: argparse.Namespace) -> int:
    await asyncio.sleep(3)  # until the web has seen both runners
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load} at the start.\n")
    print("| | streams | tokens | web CPU a token | delay p50 | p99 | memory a stream |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    good = [await _measure_way(way, platform, arguments) for way in WAYS[: arguments.ways]]
    return 0 if all(good) else 1


async def _measure_way(way: Way, platform: Platform, arguments: argparse.Namespace) -> bool:
    """Print a line of the table; return whether what it says is good."""
    await _run(way, platform, _AT_ONCE, 4, arguments.tokens)
    rounds = [await _round(way, platform, arguments) for _ in range(arguments.rounds)]
    best = min(rounds, key=lambda one: one.token_us)
    costs = [one.token_us for one in rounds]
    most_bytes = max(one.stream_bytes for one in rounds)  # later rounds use the first one's again
    print(
        f"| {way.name} | {arguments.streams} | {best.tokens} | {best.token_us:.1f} µs "
        f"({median(costs):.1f}, {max(costs):.1f}) | {best.p50_s * 1000:.1f} ms "
        f"| {best.p99_s * 1000:.1f} ms | {most_bytes / 1000:.0f} kB |",
        flush=True,
    )
    complete = all(one.tokens == arguments.streams * arguments.tokens for one in rounds)
    return complete and (way.resumable or best.token_us <= TARGET_US)


async def _round(way: Way, platform: Platform, arguments: argparse.Namespace) -> Round:
    idle_bytes = resident_bytes(platform.web_pid)
    bare = await _run(way, platform, _AT_ONCE, arguments.streams, arguments.tokens)
    full = await _run(way, platform, _STREAMING, arguments.streams, arguments.tokens)
    # The rush of the opening is another matter than tokens that flow.
    delays = sorted(delay for made, delay in full.seen.sent if made > full.seen.all_began_at)
    return Round(
        tokens=min(full.seen.tokens, bare.seen.tokens),
        token_us=(full.cpu_s - bare.cpu_s) / (full.seen.pieces - bare.seen.pieces) * 1e6,
        p50_s=percentile(delays, 50),
        p99_s=percentile(delays, 99),
        stream_bytes=(full.peak_bytes - idle_bytes) / arguments.streams,
    )


async def _run(way: Way, platform: Platform, model: str, streams: int, tokens: int) -> Measured:
    seen, slow = Seen(), Seen()
    asked = Asked(platform.endpoint, model, tokens, way.resumable)
    take = over_events if way.events else over_websocket
    cpu_s = _cpu_s(platform.web_pid)
    watching = asyncio.create_task(_peak_bytes(platform.web_pid))
    others = [take(asked, seen) for _ in range(streams - 1)]
    # Its own delays are none of ours.
    last = take(asked, seen) if way.events else over_websocket(asked, slow, stalled_s=STALLED_S)
    await asyncio.gather(last, *others)
    watching.cancel()
    cpu_s = _cpu_s(platform.web_pid) - cpu_s
    seen.tokens, seen.pieces = seen.tokens + slow.tokens, seen.pieces + slow.pieces
    return Measured(seen, cpu_s, _peaks.pop())


_peaks: Final[list[int]] = []


async def _peak_bytes(pid: int) -> None:
    _peaks.append(0)
    while True:
        _peaks[-1] = max(_peaks[-1], resident_bytes(pid))
        await asyncio.sleep(0.25)


def _cpu_s(pid: int) -> float:
    """Return the processor time of the process so far, its kernel's included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
