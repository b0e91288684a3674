"""Usage by day agrees with the rows it sums, in both databases and whoever writes at once."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any, Final

import dj_database_url
import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.utils import load_backend
from django.test.utils import CaptureQueriesContext

from inference.gateway.entry import Entry
from inference.gateway.models import UsageDay
from inference.gateway.usage_days import usage_add
from tests.deploy.postgres_server import postgres_server
from tests.gateway.entries import entry

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MS: Final = int(NOON.timestamp() * 1000)
BEFORE_MIDNIGHT_MS: Final = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000) - 1


@pytest.fixture(scope="module")
def postgres() -> Iterator[dict[str, Any]]:
    """A PostgreSQL with the table; yields the settings of a connection to it."""
    with postgres_server("only-for-this-test") as url:
        settings = connections.configure_settings({"default": dj_database_url.parse(url)})
        yield settings["default"]


@contextlib.contextmanager
def connected_to(settings: dict[str, Any]) -> Iterator[None]:
    """Let this thread's default connection be one of its own to that database."""
    former = connections["default"]
    own = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")
    connections["default"] = own
    try:
        yield
    finally:
        own.close()
        connections["default"] = former


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, db: None) -> Iterator[str]:
    """Each database that the platform runs on, with an empty table."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    with connected_to(request.getfixturevalue("postgres")):
        with connection.schema_editor() as editor:
            editor.create_model(UsageDay)
        try:
            yield "postgresql"
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(UsageDay)


def made(**fields: Any) -> Entry:
    """Return an entry that was charged for ten tokens."""
    defaults = {
        "user_id": 1,
        "api_key_id": 7,
        "model_name": "tiny",
        "created_at": NOON,
        "counted_at": NOON_MS,
        "prompt_tokens": 6,
        "completion_tokens": 4,
        "cached_tokens": 2,
        "images": 3,
        "charged_requests": 1,
        "charged_tokens": 10,
        "charged_images": 3,
        "cost_nano": 30,
    }
    return entry(**{**defaults, **fields})


def refused() -> Entry:
    nothing: dict[str, Any] = {
        "counted_at": None,
        "charged_requests": 0,
        "charged_tokens": 0,
        "charged_images": 0,
        "cost_nano": 0,
    }
    return made(status="refused", completion_tokens=0, cached_tokens=0, **nothing)


def only_row() -> dict[str, Any]:
    (row,) = UsageDay.objects.values()
    return {name: value for name, value in row.items() if name != "id"}


@pytest.mark.usefixtures("database")
def test_a_day_sums_what_its_entries_say() -> None:
    usage_add([made(), made(status="cancelled", completion_tokens=1, charged_tokens=7)])
    usage_add([made(status="failed", charged_tokens=0, charged_images=0, cost_nano=0), refused()])
    assert only_row() == {
        "day": date(2026, 3, 1),
        "user_id": 1,
        "api_key_id": 7,
        "model_name": "tiny",
        "requests": 4,
        "completed": 1,
        "cancelled": 1,
        "failed": 1,
        "refused": 1,
        "prompt_tokens": 12,
        "completion_tokens": 5,
        "cached_tokens": 4,
        "images": 6,
        "charged_requests": 3,
        "charged_tokens": 17,
        "charged_images": 6,
        "cost_nano": 60,
    }


@pytest.mark.usefixtures("database")
def test_each_user_day_key_and_model_has_a_row() -> None:
    others: list[dict[str, Any]] = [{"user_id": 2}, {"api_key_id": 8}, {"model_name": "other"}]
    usage_add([made(), *(made(**other) for other in others), made(counted_at=NOON_MS + 86_400_000)])
    usage_add([made()])
    assert UsageDay.objects.count() == 5
    assert sorted(UsageDay.objects.values_list("requests", flat=True)) == [1, 1, 1, 1, 2]


@pytest.mark.usefixtures("database")
def test_a_request_belongs_to_the_day_it_was_counted_in() -> None:
    late = datetime(2026, 3, 3, tzinfo=UTC)
    usage_add([made(counted_at=BEFORE_MIDNIGHT_MS, created_at=late)])
    usage_add([made(counted_at=BEFORE_MIDNIGHT_MS + 1, created_at=late)])
    assert set(UsageDay.objects.values_list("day", flat=True)) == {
        date(2026, 3, 1),
        date(2026, 3, 2),
    }


@pytest.mark.usefixtures("database")
def test_a_request_that_was_never_counted_belongs_to_the_day_it_came() -> None:
    usage_add([refused()])
    assert only_row()["day"] == date(2026, 3, 1)


@pytest.mark.usefixtures("database")
def test_a_call_without_a_key_is_of_key_zero() -> None:
    usage_add([made(api_key_id=None)])
    assert only_row()["api_key_id"] == 0


@pytest.mark.usefixtures("database")
def test_whom_nobody_knows_is_left_out() -> None:
    usage_add([made(user_id=None)])
    assert not UsageDay.objects.exists()


@pytest.mark.usefixtures("database")
def test_sums_may_pass_what_four_bytes_hold() -> None:
    usage_add([made(cost_nano=3_000_000_000)])
    usage_add([made(cost_nano=3_000_000_000)])
    assert only_row()["cost_nano"] == 6_000_000_000


@pytest.mark.usefixtures("database")
def test_what_is_rolled_back_adds_nothing() -> None:
    with contextlib.suppress(DatabaseError), transaction.atomic():
        usage_add([made()])
        raise DatabaseError
    assert not UsageDay.objects.exists()


def test_no_entries_cost_no_statement(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        usage_add([])
        usage_add([made(user_id=None)])
    assert len(queries) == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer
@pytest.mark.usefixtures("database")
def test_writers_that_meet_on_the_same_days_lose_nothing_and_never_wait_in_a_circle(
    postgres: dict[str, Any],
) -> None:
    rounds, together = 25, Barrier(4)
    entries = [made(user_id=user, model_name=name) for user in range(1, 9) for name in "abc"]

    def write(backwards: bool) -> None:
        with connected_to(postgres):
            together.wait()
            for _ in range(rounds):
                with transaction.atomic():
                    usage_add(reversed(entries) if backwards else entries)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, [False, True, False, True]))
    assert set(UsageDay.objects.values_list("requests", flat=True)) == {4 * rounds}
    assert UsageDay.objects.count() == len(entries)
