"""What the limits cost a request: reserving and settling, apart and together, in milliseconds.

`python -m benchmarks.limits [--requests 2000]`. A private server of the Redis protocol over its
unix socket, an event loop like the web's, and callers bound by none, by five and by thirteen limits
besides the two that always are; one request after the other, and 64 at once. Prints a Markdown
table. Exit status 1: one at a time, a p50 of both together is over the target.
"""

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import django
import uvloop
from django.core.management import call_command

from benchmarks.measurement import percentile
from benchmarks.process import running

if TYPE_CHECKING:
    from accounts.limit_rules import LimitRule
    from inference.gateway.limits.counters import Bound

TARGET_MS: Final = 1.0
_AT_ONCE: Final = (1, 64)
_WINDOWS: Final = ("minute", "hour", "day", "month", "total")
_WARM_UP: Final = 200

Times = tuple[float, float]  # of reserving and of settling, in ms


def main() -> int:
    """Measure, print, and return the exit status."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="limits-") as folder, ExitStack() as stack:
        _configure(Path(folder))
        _start_store(stack, Path(folder))
        call_command("migrate", verbosity=0)
        return uvloop.run(_measure(arguments.requests))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="of each row of the table")
    return parser.parse_args()


def _configure(folder: Path) -> None:
    os.environ |= {
        "VAR_DIR": str(folder),
        "RUN_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "REDIS_URL": f"unix://{folder}/valkey.sock",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_KEY_PEPPER": secrets.token_urlsafe(48),
        "DJANGO_SETTINGS_MODULE": "aiplatform.settings",
    }
    django.setup()


def _start_store(stack: ExitStack, folder: Path) -> None:
    from aiplatform.store import Unavailable, blocking_store
    from aiplatform.supervisor.key_value_server import private_server

    stack.enter_context(running(private_server().command, folder / "store.log"))
    deadline = time.monotonic() + 10
    while True:
        try:
            blocking_store().ping()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # between two looks
        else:
            return


async def _measure(requests: int) -> int:
    print("| limits | at once | reserve p50 | settle p50 | both p50 | both p99 | both/s |")
    print("|---|---|---|---|---|---|---|")
    slow = False
    for count in (0, 5, 13):
        bounds = _bounds(count)
        for at_once in _AT_ONCE:
            await _many(bounds, _WARM_UP, at_once)
            began = time.perf_counter()
            times = await _many(bounds, requests, at_once)
            both = sorted(sum(one) for one in times)
            figures = (
                *(percentile(sorted(one[step] for one in times), 50) for step in (0, 1)),
                percentile(both, 50),
                percentile(both, 99),
            )
            cells = " | ".join(f"{figure:.2f}" for figure in figures)
            rate = requests / (time.perf_counter() - began)
            print(f"| {len(bounds)} | {at_once} | {cells} | {rate:,.0f} |")
            slow |= at_once == 1 and percentile(both, 50) > TARGET_MS
    if slow:
        print(f"Over {TARGET_MS} ms at p50.", file=sys.stderr)
    return int(slow)


def _bounds(count: int) -> "list[Bound]":
    """Return `count` bounds and the two that always are: of the user and of the model."""
    from accounts.principal import Principal
    from inference.gateway.limits.counters import bounds_of, tightest

    ada = Principal(1, "ada", False, 1, "laptop", frozenset())
    rules = [
        *(_rule(per, "concurrency", "now") for per in ("user", "model")),
        *(
            _rule(per, resource, window)
            for per in ("user", "key", "model")
            for window in _WINDOWS
            for resource in ("requests", "tokens", "cost")
        ),
    ]
    return tightest(bounds_of(ada, "a-model", rules[: count + 2]))


def _rule(per: str, resource: str, window: str) -> "LimitRule":
    from accounts.limit_rules import LimitRule

    return LimitRule(per, "", resource, window, 10**15, "plan")


async def _many(bounds: "list[Bound]", requests: int, at_once: int) -> list[Times]:
    """Return the times of that many requests, so many under way together."""
    times: list[Times] = []

    async def ask(share: int) -> None:
        for _ in range(share):
            times.append(await _one(bounds))

    await asyncio.gather(*(ask(requests // at_once) for _ in range(at_once)))
    return times


async def _one(bounds: "list[Bound]") -> Times:
    from aiplatform.request_ids import new_request_id
    from inference.gateway.limits.counters import Amounts, subjects_of
    from inference.gateway.limits.reservation import reserve

    began = time.perf_counter()
    wanted = Amounts(requests=1, tokens=600, cost=9_000, concurrency=1)
    subjects = subjects_of(1, 1, "a-model")
    _, reservation = await reserve(str(new_request_id()), bounds, wanted, subjects)
    reserved = time.perf_counter()
    assert reservation is not None
    await reservation.settle(Amounts(requests=1, tokens=345, cost=5_000))
    return (reserved - began) * 1000, (time.perf_counter() - reserved) * 1000


if __name__ == "__main__":
    sys.exit(main())
