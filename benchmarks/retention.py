"""A long history written, summed, compared with its counters, and purged: statements and memory.

`python -m benchmarks.retention [--rows 1000000] [--postgres]`. Fills a new database with requests
and their bodies through the code that settles requests, so that each day's usage is rolled up with
them; then runs what the worker runs by the clock over all of it. `--postgres` starts a private
PostgreSQL from this machine's binaries instead of using SQLite. Prints a Markdown table: how many
statements each phase took, the slowest of them, and by how much the process had grown at most.
Exit status 1: a statement took longer than a second, or memory grew by more than 64 MB.
"""

import argparse
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import django
from django.core.management import call_command

from benchmarks.resident import resident_bytes

if TYPE_CHECKING:
    from inference.gateway.entry import Entry

SLOWEST_S: Final = 1.0
GROWTH_MB: Final = 64.0
_SPAN_DAYS: Final = 365
_SETTLED_AT_ONCE: Final = 100
_USERS: Final = 10
_MODELS: Final = 3
_PROMPT: Final = [{"role": "user", "content": "What is there to say about the weather? " * 10}]


class Phase(NamedTuple):
    """What one phase came to."""

    name: str
    rows: int
    statements: int
    slowest_s: float
    took_s: float
    grown_mb: float


class Watch:
    """Times every statement, and looks at the memory after each."""

    def __init__(self) -> None:
        self._began_at = time.perf_counter()
        self._began_bytes = self._most_bytes = resident_bytes(os.getpid())
        self._statements, self._slowest_s = 0, 0.0

    def __call__(
        self, execute: Callable[..., Any], sql: str, values: Any, many: bool, context: Any
    ) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, values, many, context)
        finally:
            self._statements += 1
            self._slowest_s = max(self._slowest_s, time.perf_counter() - began)
            self._most_bytes = max(self._most_bytes, resident_bytes(os.getpid()))

    def seen(self, name: str, rows: int) -> Phase:
        """Return what has been seen until now."""
        took_s = time.perf_counter() - self._began_at
        grown_mb = (self._most_bytes - self._began_bytes) / 1e6
        return Phase(name, rows, self._statements, self._slowest_s, took_s, grown_mb)


def main() -> int:
    """Fill, work, print, and return the exit status."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="retention-") as folder, ExitStack() as stack:
        _configure(Path(folder), _database(Path(folder), stack, arguments))
        call_command("migrate", verbosity=0)
        print(
            "| phase | rows | statements | slowest | in all | memory |\n|---|--:|--:|--:|--:|--:|"
        )
        good = [_print(phase) for phase in _phases(arguments.rows)]
    return 0 if all(good) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retention", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the history")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    return parser.parse_args()


def _database(folder: Path, stack: ExitStack, arguments: argparse.Namespace) -> str:
    if not arguments.postgres:
        return f"sqlite:///{folder}/db.sqlite3"
    from tests.deploy.postgres_server import postgres_server

    return stack.enter_context(postgres_server(secrets.token_urlsafe(16)))


def _configure(folder: Path, database: str) -> None:
    os.environ |= {
        "VAR_DIR": str(folder),
        "RUN_DIR": str(folder),
        "DATABASE_URL": database,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_KEY_PEPPER": secrets.token_urlsafe(48),
        "DEBUG": "false",
        "DJANGO_SETTINGS_MODULE": "aiplatform.settings",
    }
    django.setup()


def _print(phase: Phase) -> bool:
    """Print a line of the table; return whether what it says is good."""
    print(
        f"| {phase.name} | {phase.rows:,} | {phase.statements:,} | {phase.slowest_s * 1000:.0f} ms "
        f"| {phase.took_s:.0f} s | +{phase.grown_mb:.0f} MB |",
        flush=True,
    )
    return phase.slowest_s <= SLOWEST_S and phase.grown_mb <= GROWTH_MB


def _phases(rows: int) -> Iterator[Phase]:
    from inference.jobs.history import history_purge

    yield _seen("written, and rolled up by day", lambda: _write(rows))
    yield _seen("compared with every counter", _compare)
    yield _seen("summed by day, model and key", _sum)
    yield _seen("nine in ten purged", lambda: history_purge(older_than_days=_SPAN_DAYS // 10))
    yield _seen("the days summed again", _sum)


def _seen(name: str, work: Callable[[], int]) -> Phase:
    from django.db import connection

    watch = Watch()
    with connection.execute_wrapper(watch):
        rows = work()
    return watch.seen(name, rows)


def _write(rows: int) -> int:
    from inference.gateway.history import entries_write

    entries = _entries(rows)
    while some := [entry for _, entry in zip(range(_SETTLED_AT_ONCE), entries, strict=False)]:
        entries_write(some)
    return rows


def _entries(rows: int) -> Iterator["Entry"]:
    from accounts.models import User
    from accounts.services import api_key_create
    from aiplatform.request_ids import first_request_id
    from inference.gateway.entry import Entry

    users = [User.objects.create_user(f"user{number}") for number in range(_USERS)]
    keys = [api_key_create(user=user)[0] for user in users]
    last = datetime.now(UTC)
    first, step = last - timedelta(days=_SPAN_DAYS), timedelta(days=_SPAN_DAYS) / rows
    for number in range(rows):
        at, who = first + number * step, number % _USERS
        yield Entry(
            id=first_request_id(int(at.timestamp() * 1000)),
            door="chat/completions",
            created_at=at,
            counted_at=int(at.timestamp() * 1000),
            user_id=users[who].id,
            username=users[who].username,
            api_key_id=keys[who].id,
            model_name=f"m{number % _MODELS}",
            status="completed",
            finish_reason="stop",
            prompt_tokens=100,
            completion_tokens=200,
            duration_ms=1000.0,
            charged_requests=1,
            charged_tokens=300,
            cost_nano=1000,
            asked=_PROMPT,
            answered="It rains. " * 80,
        )


def _compare() -> int:
    """Read what every window of every user, key and model should hold; return how many."""
    from inference.gateway.limits.ledger import ledger_read
    from inference.gateway.limits.windows import WINDOWS
    from inference.gateway.models import UsageDay

    rows = UsageDay.objects.values_list("user_id", "api_key_id", "model_name").distinct()
    subjects = {
        name
        for user, key, model in rows.order_by()
        for name in (f"user:{user}", f"key:{key}", f"model:{model}", f"user_model:{user}:{model}")
    }
    windows = [window for window in WINDOWS if window != "now"]
    for subject in sorted(subjects):
        for window in windows:
            ledger_read(subject=subject, resource="tokens", window=window)
    return len(subjects) * len(windows)


def _sum() -> int:
    """Sum the whole year, for everybody, as finely as can be; return how many groups."""
    from inference.gateway.selectors_usage import UsageFilter, usage_sums

    today = datetime.now(UTC).date()
    wanted = UsageFilter(since=today - timedelta(days=_SPAN_DAYS), until=today)
    groups = usage_sums(wanted=wanted, group_by=("day", "model", "key"), limit=100_000)
    return len(groups or [])


if __name__ == "__main__":
    sys.exit(main())
