"""What a token over `/ws/generate` costs the web process, and whether any is lost or late.

`python -m benchmarks.websocket [--streams 1000] [--tokens 128] [--interval-ms 250]`. One socket a
stream, all open at once; a canned runner makes every token on its own and writes the time into it.
A second run with as many streams, whose tokens all come at once, is what a stream costs without
them; the difference is the tokens'. Delays are those of tokens made once all streams have begun;
they hold on an idle machine alone, for the client that measures takes its share. Exit status 1: a
token was lost or doubled, or costs more than the target.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop
from websockets.asyncio.client import connect

from benchmarks.gateway import prepared_models
from benchmarks.measurement import percentile
from benchmarks.platform_server import MODEL, Platform, running_platform
from benchmarks.process import running

TARGET_US: Final = 60.0
_STREAMING: Final = "streaming"
_AT_ONCE: Final = "at-once"


@dataclass
class Measured:
    """What one run came to. Times in seconds, monotonic."""

    cpu_s: float = 0.0
    tokens: int = 0
    frames: int = 0
    sent: list[tuple[float, float]] = field(default_factory=list)  # when, and how long it took
    all_began_at: float = 0.0
    peak_bytes: int = 0


def main() -> int:
    """Measure, print, and return the exit status."""
    arguments = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What has ended may still be on its way to the limits when the next run begins.
    os.environ["MAX_CONCURRENT_PER_USER"] = str(2 * arguments.streams)
    with (
        tempfile.TemporaryDirectory(prefix="websocket-") as folder,
        running_platform(Path(folder), prepared_models()) as platform,
        ExitStack() as stack,
    ):
        _start_runners(stack, Path(folder), arguments)
        return uvloop.run(_measure(platform, arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.websocket", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=128, help="of each stream")
    parser.add_argument("--interval-ms", type=float, default=250.0, help="between two of them")
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
            slots=2 * arguments.streams,
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
    await _run(platform, _AT_ONCE, 4, arguments.tokens)
    idle_bytes = _resident_bytes(platform.web_pid)
    bare = await _run(platform, _AT_ONCE, arguments.streams, arguments.tokens)
    full = await _run(platform, _STREAMING, arguments.streams, arguments.tokens)
    frames = full.frames - bare.frames
    microseconds = (full.cpu_s - bare.cpu_s) / frames * 1e6
    each = (full.peak_bytes - idle_bytes) / arguments.streams / 1000
    # The rush of the opening is another matter than tokens that flow.
    delays = sorted(delay for made, delay in full.sent if made > full.all_began_at)
    print("| streams | tokens | frames | web CPU a frame | delay p50 | p99 | memory a stream |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {arguments.streams} | {full.tokens} | {full.frames} | {microseconds:.1f} µs "
        f"| {percentile(delays, 50) * 1000:.1f} ms | {percentile(delays, 99) * 1000:.1f} ms "
        f"| {each:.0f} kB |"
    )
    complete = full.tokens == bare.tokens == arguments.streams * arguments.tokens
    return int(not complete or microseconds > TARGET_US)


async def _run(platform: Platform, model: str, streams: int, tokens: int) -> Measured:
    measured = Measured()
    cpu_s = _cpu_s(platform.web_pid)
    watching = asyncio.create_task(_watch_memory(platform.web_pid, measured))
    await asyncio.gather(*(_stream(platform, model, tokens, measured) for _ in range(streams)))
    watching.cancel()
    measured.cpu_s = _cpu_s(platform.web_pid) - cpu_s
    return measured


async def _stream(platform: Platform, model: str, tokens: int, measured: Measured) -> None:
    """Take one generation; the numbers of its messages must have no gap."""
    endpoint = platform.endpoint
    asked = {"type": "generate", "id": "a", "model": model, "parameters": {"max_tokens": tokens}}
    address = f"ws://127.0.0.1:{endpoint.port}/ws/generate"
    async with connect(address, proxy=None, compression=None, open_timeout=60) as socket:
        await socket.send(json.dumps({"type": "authenticate", "token": endpoint.key}))
        await socket.send(json.dumps({**asked, "prompt": "Say something."}))
        seq = 0
        async for text in socket:
            arrived, message = time.monotonic(), json.loads(text)
            if message["type"] == "error":
                raise SystemExit(f"refused: {message['detail']}")
            seq += "seq" in message
            if message.get("seq", seq) != seq:
                raise SystemExit(f"message {seq} is lost or doubled")
            if message["type"] == "finished":
                return
            if message["type"] == "accepted":
                measured.all_began_at = arrived
            if message["type"] == "delta":
                words = [float(word) for word in message["text"].split()]
                measured.frames += 1
                measured.tokens += len(words)
                measured.sent += [(word, arrived - word) for word in words]


async def _watch_memory(pid: int, measured: Measured) -> None:
    while True:
        measured.peak_bytes = max(measured.peak_bytes, _resident_bytes(pid))
        await asyncio.sleep(0.25)


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _cpu_s(pid: int) -> float:
    """Return the processor time of the process so far, its kernel's included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
