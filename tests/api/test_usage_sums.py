"""Usage: sums by day, model, key and user that are exact and outlive the requests."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import scopes
from accounts.models import User
from inference.api.native.usage import views
from inference.gateway.history import entries_write
from inference.gateway.models import Request, UsageDay
from inference.jobs.history import history_purge
from tests.gateway.entries import entry
from tests.people import admin_person, caller, key_of, person, row_of

pytestmark = pytest.mark.django_db
USAGE = "/api/v1/usage"
TODAY = timezone.now().date()


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(ada: User) -> Client:
    return caller(key_of(ada))


def used(user: User, days_ago: int = 0, key: int = 0, model: str = "tiny", **sums: Any) -> None:
    UsageDay.objects.create(
        day=TODAY - timedelta(days=days_ago),
        user_id=user.id,
        api_key_id=key,
        model_name=model,
        **{"requests": 1, **sums},
    )


def read(client: Client, query: str = "") -> dict[str, Any]:
    response = client.get(f"{USAGE}?{query}")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def picked(body: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in body["results"]]


def test_the_last_thirty_days_are_told_by_day_newest_first(client: Client, ada: User) -> None:
    for days_ago in (0, 29, 30):
        used(ada, days_ago)
    used(ada, 29, model="other", requests=4)
    body = read(client)
    oldest = (TODAY - timedelta(days=29)).isoformat()
    assert picked(body, "day", "requests") == [(TODAY.isoformat(), 1), (oldest, 5)]
    assert (body["from"], body["to"], body["group_by"]) == (oldest, TODAY.isoformat(), ["day"])
    assert body["totals"]["requests"] == 6


def test_every_sum_is_told_and_cost_is_an_exact_decimal(client: Client, ada: User) -> None:
    sums: dict[str, Any] = {
        "completed": 2,
        "cancelled": 3,
        "failed": 4,
        "refused": 5,
        "prompt_tokens": 6,
    }
    more: dict[str, Any] = {
        "completion_tokens": 7,
        "cached_tokens": 8,
        "images": 11,
        "charged_requests": 9,
        "charged_tokens": 10,
        "charged_images": 11,
    }
    used(ada, **sums, **more, cost_nano=9_007_199_254_740_993)
    (one,) = read(client)["results"]
    assert {**sums, **more}.items() <= one.items()
    assert one["cost"] == "9007199.254740993"


@pytest.mark.parametrize(
    ("group_by", "names", "expected"),
    [
        ("model", ("model", "requests"), [("other", 2), ("tiny", 5)]),
        ("key", ("key", "key_name", "requests"), [(None, None, 4), (-1, "laptop", 3)]),
        ("model,key", ("model", "requests"), [("other", 2), ("tiny", 4), ("tiny", 1)]),
    ],
)
def test_groups_are_what_is_asked_for(
    client: Client,
    ada: User,
    group_by: str,
    names: tuple[str, ...],
    expected: list[tuple[Any, ...]],
) -> None:
    key = row_of(key_of(ada, name="laptop")).id
    used(ada, requests=4)
    used(ada, key=key, requests=1)
    used(ada, 1, key=key, model="other", requests=2)
    expected = [tuple(key if one == -1 else one for one in row) for row in expected]
    assert picked(read(client, f"group_by={group_by}"), *names) == expected


def test_filters_leave_what_passes_them(client: Client, ada: User) -> None:
    used(ada, requests=1)
    used(ada, key=7, requests=2)
    used(ada, key=7, model="other", requests=4)
    used(ada, 40, requests=8)
    day = (TODAY - timedelta(days=40)).isoformat()
    for query, requests in [
        ("model=tiny", 3),
        ("key=7", 6),
        ("key=0", 1),
        ("key=7&model=other", 4),
        (f"from={day}&to={day}", 8),
        (f"from={day}", 15),
        (f"to={day}", 8),
    ]:
        assert read(client, query)["totals"]["requests"] == requests, query


def test_an_admin_tells_users_apart(ada: User) -> None:
    root = admin_person()
    used(ada, requests=3)
    used(root, requests=4)
    UsageDay.objects.create(day=TODAY, user_id=987, requests=5)  # of a user who is gone
    client = caller(key_of(root, scope=[scopes.USAGE_READ, scopes.ADMIN]))
    body = read(client, "all=true&group_by=user")
    assert set(picked(body, "user", "username", "requests")) == {
        (ada.id, "ada", 3),
        (root.id, "root", 4),
        (987, None, 5),
    }
    assert read(client, "user=ada")["totals"]["requests"] == 3


def test_nothing_used_is_nothing_and_zero(client: Client) -> None:
    body = read(client)
    assert body["results"] == []
    assert (body["totals"]["requests"], body["totals"]["cost"]) == (0, "0")


def test_usage_agrees_with_the_history_and_stays_when_that_is_purged(
    client: Client, ada: User
) -> None:
    entries_write(
        [
            entry(user_id=ada.id, model_name="tiny", charged_tokens=tokens, cost_nano=tokens)
            for tokens in (3, 5)
        ]
    )
    before = read(client, "group_by=model")
    assert picked(before, "requests", "charged_tokens", "cost") == [(2, 8, "0.000000008")]
    Request.objects.update(created_at=timezone.now() - timedelta(days=100))
    assert history_purge(older_than_days=1) == 2
    assert read(client, "group_by=model") == before


def test_too_many_groups_are_told_and_not_cut(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_GROUPS", 2)
    for days_ago in range(3):
        used(ada, days_ago)
    response = client.get(USAGE)
    assert (response.status_code, response.json()["code"]) == (400, "too_many_groups")
    assert len(read(client, f"from={TODAY - timedelta(days=1)}")["results"]) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-01-02&to=2026-01-01", "from"),
        ("from=2025-01-01&to=2026-01-02", "from"),
        ("from=2026-01-01T00:00:00Z", "from"),
        ("group_by=hour", "group_by"),
        ("group_by=", "group_by"),
        ("group_by=day,,model", "group_by"),
        (f"group_by={'day,' * 20}", "group_by"),
        ("key=-1", "key"),
        ("key=9223372036854775808", "key"),
        (f"model={'x' * 101}", "model"),
        ("model=a%00b", "model"),
        ("colour=red", "colour"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(client: Client, query: str, field: str) -> None:
    response = client.get(f"{USAGE}?{query}")
    assert (response.status_code, response.json()["param"]) == (400, field)


@pytest.mark.parametrize("query", ["to=0001-01-01", "from=9999-12-31&to=9999-12-31"])
def test_the_ends_of_time_are_days(client: Client, query: str) -> None:
    assert read(client, query)["results"] == []


def test_usage_takes_as_many_queries_however_much_there_is(ada: User) -> None:
    client = caller(key_of(admin_person(), scope=[scopes.USAGE_READ, scopes.ADMIN]))
    counts = set()
    for number in range(3):
        for _ in range(number * 4 + 1):
            someone = person(f"p{User.objects.count()}")
            used(someone, number, key=row_of(key_of(someone)).id, model=f"m{someone.id}")
        with CaptureQueriesContext(connection) as queries:
            read(client, "all=true&group_by=day,user,key,model")
        counts.add(len(queries))
    assert len(counts) == 1


def test_an_address_answers_with_a_trailing_slash_too(client: Client, ada: User) -> None:
    used(ada)
    assert client.get(f"{USAGE}/").json() == read(client)
