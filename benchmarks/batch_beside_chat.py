"""A batch beside people who chat: their time to the first token, against an idle platform's.

`python -m benchmarks.batch_beside_chat [--lines 2000] [--real]`. Chats stream one after the other,
alone, while a batch with 5 % bad lines runs, and alone again; the better of the two is compared.
The batch's files are checked line by line, and a second one is cancelled half-way. `--real` has the
model answer instead of the canned runner. Exit status 1: something does not hold.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.jobs_platform import running_jobs_platform
from benchmarks.measurement import percentile
from benchmarks.platform_server import MODEL

MOST_TIMES: Final = 1.5
_BAD_EVERY: Final = 20
_RUNNER: Final = ("--interval-ms", "10", "--tokens", "8")
_WARM_UP: Final = 20  # chats
_QUIET_S: Final = 3.0  # between the batch's end and the chats after it
_PAUSE_S: Final = 0.2  # between two chats
_END_S: Final = 3_600.0
_ENDED: Final = ("completed", "failed", "expired", "cancelled")


def main() -> int:
    """Measure, print, and return the exit status."""
    arguments = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="beside-") as folder,
        running_jobs_platform(
            Path(folder), arguments.models, runner=_RUNNER, real=arguments.real
        ) as platform,
    ):
        checks = _checks(platform.client, arguments)
    for what, holds in checks.items():
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {what}")
    return 0 if all(checks.values()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.batch_beside_chat", description=__doc__
    )
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=100, help="of each phase")
    parser.add_argument("--real", action="store_true", help="the model itself answers")
    parser.add_argument("--models", type=Path, default=Path("var/models").absolute())
    return parser.parse_args()


def _checks(client: httpx.Client, arguments: argparse.Namespace) -> dict[str, bool]:
    _ttfts_ms(client, _WARM_UP)
    before = percentile(_ttfts_ms(client, arguments.chats), 50)
    batch, began = _begin(client, arguments.lines), time.monotonic()
    while _now(client, batch)["request_counts"]["completed"] == 0:
        time.sleep(0.1)  # until it runs
    beside = percentile(_ttfts_ms(client, arguments.chats), 50)
    running = _now(client, batch)
    done = _ended(client, batch)
    took_s = time.monotonic() - began
    time.sleep(_QUIET_S)
    # Whatever else the machine did at first must not make the batch look good.
    alone = min(before, percentile(_ttfts_ms(client, arguments.chats), 50))
    bad = arguments.lines // _BAD_EVERY
    print(f"TTFT p50: {alone:.1f} ms alone, {beside:.1f} ms beside the batch")
    print(f"at the chats' end: {running['request_counts']}")
    print(f"the batch: {done['request_counts']} in {took_s:.0f} s")
    expected = {f"line-{number}" for number in range(arguments.lines)}
    good, failed = _ids(client, done["output_file_id"]), _ids(client, done["error_file_id"])
    return {
        f"TTFT p50 within {MOST_TIMES:g} times of alone ({beside / alone:.2f})": beside
        <= MOST_TIMES * alone,
        "the batch ran all the while": running["status"] == "in_progress",
        "every line is answered once": sorted(good + failed) == sorted(expected),
        f"the {bad} bad lines failed, and no other": len(failed) == bad,
        **_cancelled(client, arguments.lines),
    }


def _cancelled(client: httpx.Client, lines: int) -> dict[str, bool]:
    """Cancel a batch half-way; return what must hold of it."""
    from inference.gateway.models import Request

    before = Request.objects.filter(status="completed", door="batches").count()
    batch = _begin(client, lines)
    while _now(client, batch)["request_counts"]["completed"] < lines // 2:
        time.sleep(0.1)  # until half of it is done
    client.post(f"/v1/batches/{batch}/cancel").raise_for_status()
    done = _ended(client, batch)
    delivered = len(_ids(client, done["output_file_id"]))
    charged = Request.objects.filter(status="completed", door="batches").count() - before
    print(f"cancelled half-way: {delivered} of {lines} lines delivered, {charged} charged")
    return {
        "cancelled: what was done is delivered and charged, the rest is not": delivered
        == charged
        == done["request_counts"]["completed"]
        < lines
    }


def _ttfts_ms(client: httpx.Client, chats: int) -> list[float]:
    """Return the times to the first text, sorted."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 8,
        "stream": True,
    }
    times = []
    for _ in range(chats):
        began = time.perf_counter()
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {") and _text(line):
                    times.append((time.perf_counter() - began) * 1000)
                    break
        time.sleep(_PAUSE_S)
    return sorted(times)


def _text(line: str) -> str:
    choices = json.loads(line.removeprefix("data: "))["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


def _begin(client: httpx.Client, lines: int) -> str:
    """Send a file with so many lines and begin a batch of it; return its id."""
    content = "\n".join(json.dumps(_line(number)) for number in range(lines))
    form = {"file": ("requests.jsonl", content.encode())}
    sent = client.post("/v1/files", files=form, data={"purpose": "batch"}).raise_for_status()
    body = {
        "input_file_id": sent.json()["id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    return str(client.post("/v1/batches", json=body).raise_for_status().json()["id"])


def _line(number: int) -> dict[str, Any]:
    bad = {"temperature": 9} if number % _BAD_EVERY == 0 else {}
    messages = [{"role": "user", "content": f"Count to {number}"}]
    return {
        "custom_id": f"line-{number}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": MODEL, "messages": messages, "max_tokens": 8, **bad},
    }


def _now(client: httpx.Client, batch: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/batches/{batch}").raise_for_status().json()
    return found


def _ended(client: httpx.Client, batch: str) -> dict[str, Any]:
    deadline = time.monotonic() + _END_S
    while (now := _now(client, batch))["status"] not in _ENDED and time.monotonic() < deadline:
        time.sleep(0.5)  # between two looks
    return now


def _ids(client: httpx.Client, file_id: str | None) -> list[str]:
    if file_id is None:
        return []
    text = client.get(f"/v1/files/{file_id}/content").raise_for_status().text
    return [json.loads(line)["custom_id"] for line in text.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
