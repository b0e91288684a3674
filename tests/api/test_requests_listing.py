"""Listing one's requests: newest first, in pages, with filters."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from inference.gateway import selectors
from inference.gateway.models import Request
from tests.gateway.history_rows import BEGIN, history_row, history_rows
from tests.people import admin_person, caller, key_of, person, row_of

pytestmark = pytest.mark.django_db
LIST = "/api/v1/requests"


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(ada: User) -> Client:
    return caller(key_of(ada))


def read(client: Client, address: str = LIST) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [one["id"] for one in body["results"]]


def named(rows: list[Request]) -> list[str]:
    """Return the ids of rows, newest first."""
    return [str(row.id) for row in reversed(rows)]


def test_a_row_is_answered_with_all_but_its_texts(client: Client, ada: User) -> None:
    history_row(user=ada, prompt="secret", cost_nano=1_500_000, charged_tokens=9, ttft_ms=2.5)
    (one,) = read(client)["results"]
    expected = {
        "user": "ada",
        "key": None,
        "model": "tiny",
        "door": "chat/completions",
        "status": "completed",
        "cost": "0.0015",
        "charged_tokens": 9,
        "ttft_ms": 2.5,
        "queue_ms": None,
    }
    assert expected.items() <= one.items()
    assert "secret" not in str(one)
    assert "admission" not in one


def test_pages_follow_one_another_to_the_end_and_miss_none(client: Client, ada: User) -> None:
    rows = history_rows(7, user=ada)
    seen: list[str] = []
    address, pages = f"{LIST}?limit=3", 0
    while address:
        body = read(client, address)
        seen, address, pages = seen + ids(body), body["next"], pages + 1
    assert seen == named(rows)
    assert pages == 3


def test_a_page_stays_where_it_is_while_new_requests_come(client: Client, ada: User) -> None:
    rows = history_rows(4, user=ada)
    following = read(client, f"{LIST}?limit=2")["next"]
    history_rows(3, first=10, user=ada)
    assert ids(read(client, following)) == named(rows[:2])


def test_a_page_that_ends_with_the_last_row_has_none_after_it(client: Client, ada: User) -> None:
    history_rows(2, user=ada)
    assert read(client, f"{LIST}?limit=2")["next"] is None


def test_nothing_asked_is_an_empty_page(client: Client) -> None:
    assert read(client) == {"results": [], "next": None}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed"},
        {"model_name": "other"},
        {"door": "completions"},
        {"finish_reason": "length"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_filter_leaves_what_passes_it(client: Client, ada: User, fields: dict[str, str]) -> None:
    history_rows(2, user=ada)
    wanted = history_row(2, user=ada, **fields)
    history_row(3, user=ada)
    ((column, value),) = fields.items()
    body = read(client, f"{LIST}?{column.removesuffix('_name')}={quote(value)}")
    assert ids(body) == [str(wanted.id)]


def test_filters_are_combined(client: Client, ada: User) -> None:
    history_row(0, user=ada, status="failed")
    history_row(1, user=ada, model_name="other")
    both = history_row(2, user=ada, status="failed", model_name="other")
    assert ids(read(client, f"{LIST}?status=failed&model=other")) == [str(both.id)]


def test_a_key_is_filtered_by_its_id(client: Client, ada: User) -> None:
    key = row_of(key_of(ada))
    history_row(0, user=ada)
    made = history_row(1, user=ada, api_key=key)
    assert ids(read(client, f"{LIST}?key={key.id}")) == [str(made.id)]


def test_a_time_span_begins_with_its_first_moment_and_ends_before_its_last(
    client: Client, ada: User
) -> None:
    rows = history_rows(5, user=ada)
    since, until = (quote((BEGIN + timedelta(minutes=n)).isoformat()) for n in (1, 3))
    assert ids(read(client, f"{LIST}?from={since}&to={until}")) == named(rows[1:3])


def test_a_span_asks_the_rows_own_time(client: Client, ada: User) -> None:
    late = BEGIN + timedelta(seconds=30)
    history_row(user=ada, created_at=late)  # its id says BEGIN
    inside, outside = (quote((late + timedelta(seconds=n)).isoformat()) for n in (0, 1))
    assert len(read(client, f"{LIST}?from={inside}")["results"]) == 1
    assert read(client, f"{LIST}?from={outside}")["results"] == []


@pytest.mark.parametrize("span", ["from=0001-01-01", "to=9999-12-31T23:59:59Z", "from=1969-01-01"])
def test_the_ends_of_time_are_times(client: Client, ada: User, span: str) -> None:
    history_row(user=ada)
    assert len(read(client, f"{LIST}?{span}")["results"]) == 1


def test_a_page_looks_at_no_more_rows_than_its_bound_and_the_next_goes_on_there(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "MAX_EXAMINED", 4)
    wanted = [history_row(0, user=ada, status="failed"), history_row(5, user=ada, status="failed")]
    history_rows(4, first=1, user=ada)
    history_rows(4, first=6, user=ada)
    first = read(client, f"{LIST}?status=failed")
    assert first["results"] == []
    seen: list[str] = []
    address, pages = first["next"], 1
    while address:
        body = read(client, address)
        seen, address, pages = seen + ids(body), body["next"], pages + 1
    assert seen == named(wanted)
    assert pages == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("before=yesterday", "before"),
        ("status=done", "status"),
        ("key=0", "key"),
        ("key=9223372036854775808", "key"),
        ("key=mine", "key"),
        (f"model={'x' * 101}", "model"),
        ("model=a%00b", "model"),
        (f"door={'x' * 41}", "door"),
        (f"finish_reason={'x' * 21}", "finish_reason"),
        ("from=soon", "from"),
        ("from=0001-01-01T00:00:00%2B14:00", "from"),
        ("to=2026-13-01", "to"),
        ("all=perhaps", "all"),
        ("colour=red", "colour"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(client: Client, query: str, field: str) -> None:
    response = client.get(f"{LIST}?{query}")
    assert (response.status_code, response.json()["param"]) == (400, field)
    assert len(response.content) < 2500


@pytest.mark.parametrize(
    "query", ["", "?status=completed", "?from=2026-01-01&model=tiny", "?all=1"]
)
def test_a_list_takes_as_many_queries_however_long_it_is(query: str) -> None:
    root = admin_person()
    client, counts, key = (
        caller(key_of(root, scope=["usage:read", "admin"])),
        set(),
        row_of(key_of(root)),
    )
    for number in (1, 30, 60):
        history_rows(number, first=number * 100, user=root, api_key=key)
        with CaptureQueriesContext(connection) as queries:
            read(client, f"{LIST}{query}")
        counts.add(len(queries))
    assert len(counts) == 1


def test_an_address_answers_with_a_trailing_slash_too(client: Client, ada: User) -> None:
    history_row(user=ada)
    assert read(client) == read(client, f"{LIST}/")
