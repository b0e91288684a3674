"""One's limits: which there are, whose, and what is left of each."""

from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Limit, Plan, User
from inference.gateway.history import entries_write
from tests.gateway.entries import entry
from tests.model_rows import model_row
from tests.people import caller, key_of, person, row_of

pytestmark = pytest.mark.django_db(transaction=True)
QUOTAS = "/api/v1/quotas"


@pytest.fixture
def ada(db: None, store: redis.Redis) -> User:
    return person("ada")


def limit(amount: str, resource: str = "tokens", window: str = "day", **fields: Any) -> None:
    Limit.objects.create(amount=Decimal(amount), resource=resource, window=window, **fields)


def read(client: Client, query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"{QUOTAS}?{query}")
    assert response.status_code == 200, response.content
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def used_by(user: User, tokens: int, **fields: Any) -> None:
    """Write a request into the history that counters are loaded from."""
    made = entry(user_id=user.id, charged_requests=1, charged_tokens=tokens, **fields)
    made.counted_at = int(made.created_at.timestamp() * 1000)
    entries_write([made])


def test_a_limit_says_what_is_used_and_left_and_when_it_resets(ada: User) -> None:
    limit("1000", user=ada)
    used_by(ada, 300, model_name="tiny")
    (one,) = read(caller(key_of(ada)))
    resets_in = one.pop("resets_in")
    assert one == {
        "resource": "tokens",
        "window": "day",
        "per": "user",
        "model": None,
        "source": "user",
        "limit": 1000,
        "used": 300,
        "reserved": 0,
        "remaining": 700,
    }
    assert 0 < resets_in <= 86_400 + 900


def test_every_limit_that_applies_is_told_with_whose_it_is(ada: User) -> None:
    ada.plan = Plan.objects.create(name="free")
    ada.save()
    text = key_of(ada)
    limit("10", "requests", "minute", plan=ada.plan)
    limit("5", "concurrency", "now", user=ada)
    limit("2.5", "cost", "month", api_key=row_of(text), per="key")
    limit("1000000", per="model", model_name="tiny")
    limit("1", user=person("eve"))
    told = {(one["source"], one["resource"], one["limit"]) for one in read(caller(text))}
    assert {
        ("plan free", "requests", 10),
        ("user", "concurrency", 5),
        ("key", "cost", 2.5),
        ("platform", "tokens", 1000000),
    } <= told
    assert not {one for one in told if one[2] == 1}


def test_cost_is_told_in_the_currency(ada: User) -> None:
    limit("2.5", "cost", "total", user=ada)
    used_by(ada, 10, cost_nano=500_000_000)
    (one,) = read(caller(key_of(ada)))
    assert (one["limit"], one["used"], one["remaining"]) == (2.5, 0.5, 2.0)


def test_what_counts_each_model_is_told_where_a_model_is_named(ada: User) -> None:
    model_row("tiny")
    limit("100", user=ada, per="user_model")
    used_by(ada, 30, model_name="tiny")
    used_by(ada, 40, model_name="other")
    client = caller(key_of(ada))
    assert read(client) == []
    assert [one["used"] for one in read(client, "model=tiny")] == [30]


@pytest.mark.parametrize("name", ["none", "other", "a%0Ab"])
def test_a_model_that_one_may_not_use_is_not_found(ada: User, name: str) -> None:
    model_row("other")
    limit("100", user=ada, per="user_model")
    client = caller(key_of(ada, allowed_models=["tiny"]))
    response = client.get(f"{QUOTAS}?model={name}")
    assert (response.status_code, response.json()["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("model=", "model"),
        (f"model={'x' * 101}", "model"),
        ("model=%00", "model"),
        ("all=1", "all"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(ada: User, query: str, field: str) -> None:
    response = caller(key_of(ada)).get(f"{QUOTAS}?{query}")
    assert (response.status_code, response.json()["param"]) == (400, field)


def test_who_has_no_limits_is_told_none(ada: User) -> None:
    assert read(caller(key_of(ada))) == []


def test_without_the_store_the_limits_are_unavailable(ada: User, store_away: None) -> None:
    limit("100", user=ada)
    response = caller(key_of(ada)).get(QUOTAS)
    assert (response.status_code, response.json()["code"]) == (503, "limits_unavailable")
    assert int(response["Retry-After"]) >= 1


def test_quotas_take_as_many_queries_however_many_rows_there_are(ada: User) -> None:
    client, counts = caller(key_of(ada)), set()
    for resource, window in [("tokens", "day"), ("requests", "hour"), ("cost", "month")]:
        limit("100", resource, window, user=ada)
        read(client)  # counters that the store does not know are loaded
        with CaptureQueriesContext(connection) as queries:
            assert read(client)
        counts.add(len(queries))
    assert len(counts) == 1
