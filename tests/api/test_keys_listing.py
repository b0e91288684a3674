"""`GET /api/v1/keys`: pages that are bounded and stay right, in a fixed number of queries."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Limit, User
from accounts.services import api_key_create, api_key_revoke
from tests.api.key_management import KEYS, manager
from tests.people import key_of, person, row_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(ada: User) -> Client:
    return manager(ada, name="key 0")


def pages(client: Client, address: str) -> list[list[str]]:
    """Return the names on each page, following the links."""
    found = []
    following: str | None = address
    while following:
        parts = urlsplit(following)
        body = client.get(f"{parts.path}?{parts.query}").json()
        found.append([one["name"] for one in body["results"]])
        following = body["next"]
    return found


def test_pages_are_followed_newest_first_to_the_end(ada: User, client: Client) -> None:
    for number in range(1, 5):
        key_of(ada, name=f"key {number}")
    assert pages(client, f"{KEYS}?limit=2") == [["key 4", "key 3"], ["key 2", "key 1"], ["key 0"]]
    assert pages(client, f"{KEYS}?limit=5") == [[f"key {number}" for number in (4, 3, 2, 1, 0)]]


def test_a_page_does_not_shift_when_a_key_is_made_meanwhile(ada: User, client: Client) -> None:
    key_of(ada, name="key 1")
    first = client.get(KEYS, {"limit": 1}).json()
    key_of(ada, name="key 2")
    assert first["results"][0]["name"] == "key 1"
    assert pages(client, first["next"])[0] == ["key 0"]


def test_a_state_is_asked_for(ada: User, client: Client) -> None:
    key_of(ada, name="old", expires_at=timezone.now() - timedelta(hours=1))
    api_key_revoke(key_id=row_of(key_of(ada, name="gone")).id)
    names = {
        state: pages(client, f"{KEYS}?state={state}")[0]
        for state in ("active", "expired", "revoked")
    }
    assert names == {"active": ["key 0"], "expired": ["old"], "revoked": ["gone"]}


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "x"},
        {"before": 0},
        {"before": "' OR 1=1"},
        {"before": 2**63},
        {"state": "asleep"},
        {"user": "a\0b"},
        {"user": "x" * 151},
        {"status": "active"},
    ],
)
def test_what_is_out_of_bounds_is_named(client: Client, asked: dict[str, Any]) -> None:
    response = client.get(KEYS, asked)
    assert (response.status_code, response.json()["param"]) == (400, next(iter(asked)))


def test_the_number_of_queries_does_not_grow_with_keys(ada: User, client: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(KEYS).status_code == 200
        return len(queries)

    few = count()
    for _ in range(20):
        limit = Limit(resource="requests", window="day", amount=Decimal(1), per="key")
        api_key_create(user=ada, limits=[limit])
    assert count() == few
