"""Why a request was admitted, refused, delayed or cut, for people and for programs."""

import uuid
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from inference.gateway.models import Request
from tests.gateway.history_rows import history_row
from tests.people import caller, key_of, person

pytestmark = pytest.mark.django_db

DAY: Final = {
    "source": "plan free",
    "per": "user",
    "model": None,
    "resource": "tokens",
    "window": "day",
    "limit": 1000,
    "used": 950,
    "reserved": 20,
    "wanted": 100,
    "resets_in": 900.0,
}
COST: Final = {
    **DAY,
    "source": "key",
    "per": "key_model",
    "model": "tiny",
    "resource": "cost",
    "window": "total",
    "limit": 2.5,
    "used": 0.000000045,
    "reserved": 0.0,
    "wanted": 0.001,
}
AT_ONCE: Final = {**DAY, "resource": "concurrency", "window": "now", "used": 0, "wanted": 1}
CHARGED: Final = {"charged_requests": 1, "charged_tokens": 1300, "cost_nano": 45_000}


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(ada: User) -> Client:
    return caller(key_of(ada))


def verdict(*limits: dict[str, Any], **fields: Any) -> dict[str, Any]:
    said = {"at": 1_772_366_400_000, "refused_by": None, "retry_after": None}
    return {**said, "limits": list(limits), **fields}


def explain(client: Client, row: Request) -> tuple[dict[str, Any], str]:
    """Return the answer and its words."""
    response = client.get(f"/api/v1/requests/{row.id}/explain")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body, " ".join(body["explanation"])


def test_a_refusal_names_the_limit_and_how_it_stood(client: Client, ada: User) -> None:
    said = verdict(AT_ONCE, DAY, refused_by=1, retry_after=12.34)
    row = history_row(
        user=ada, status="refused", error_code="tokens_limit", finish_reason="", admission=said
    )
    body, words = explain(client, row)
    assert "refused by the limit of 1,000 tokens a day per user, set by plan free" in words
    assert "950 used, 20 reserved, 100 wanted" in words
    assert "12.3 s" in words
    assert "Nothing was charged" in words
    assert body["admission"] == {
        "admitted": False,
        "at": "2026-03-01T12:00:00Z",
        "limits": [AT_ONCE, DAY],
        "refused_by": 1,
        "retry_after": 12.34,
    }
    assert (body["status"], body["error_code"]) == ("refused", "tokens_limit")


def test_a_wait_of_hours_is_told_in_hours(client: Client, ada: User) -> None:
    said = verdict(DAY, refused_by=0, retry_after=5400)
    assert "1.5 h" in explain(client, history_row(user=ada, status="refused", admission=said))[1]


def test_an_admission_names_the_tightest_limit(client: Client, ada: User) -> None:
    loose = {**DAY, "used": 1}
    row = history_row(user=ada, admission=verdict(loose, COST, AT_ONCE), **CHARGED)
    body, words = explain(client, row)
    assert "admitted: 3 limits applied" in words
    assert "Tightest was the limit of 1,000 tokens a day per user" in words
    assert body["admission"]["admitted"] is True
    assert body["charged"] == {"requests": 1, "tokens": 1300, "images": 0, "cost": "0.000045"}
    assert "1,300 tokens were charged; they cost 0.000045." in words


def test_cost_is_told_in_the_currency(client: Client, ada: User) -> None:
    words = explain(client, history_row(user=ada, admission=verdict(COST)))[1]
    assert "the limit of 2.5 cost in total of tiny per key and model, set by key" in words
    assert "0.000000045 used, 0 reserved, 0.001 wanted" in words


def test_a_limit_of_nothing_is_the_tightest(client: Client, ada: User) -> None:
    nothing = {**DAY, "limit": 0, "used": 0, "reserved": 0, "wanted": 0, "source": "user"}
    words = explain(client, history_row(user=ada, admission=verdict({**DAY, "used": 1}, nothing)))[
        1
    ]
    assert "Tightest was the limit of 0 tokens" in words


@pytest.mark.parametrize("said", [None, verdict()])
def test_without_limits_it_is_said_that_none_applied(
    client: Client, ada: User, said: dict[str, Any] | None
) -> None:
    assert "no limit applied" in explain(client, history_row(user=ada, admission=said))[1]


def test_what_was_refused_before_the_limits_says_so(client: Client, ada: User) -> None:
    row = history_row(user=ada, status="refused", error_code="invalid_request", finish_reason="")
    body, words = explain(client, row)
    assert body["admission"] is None
    assert "before any limit was looked at" in words
    assert "out of its bounds" in words


def test_a_wait_and_retries_are_told(client: Client, ada: User) -> None:
    row = history_row(user=ada, queue_ms=351.7, replica="host-2:tiny", attempts=3)
    body, words = explain(client, row)
    assert "waited 352 ms on host-2:tiny" in words
    assert "submitted 3 times" in words
    assert (body["queue_ms"], body["replica"]) == (351.7, "host-2:tiny")
    assert (body["attempts"], body["retries"]) == (3, 2)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"finish_reason": "length"}, "It was cut"),
        ({"finish_reason": "stop"}, "ended by itself"),
        ({"finish_reason": "new_reason"}, "`new_reason`"),
        ({"status": "cancelled", "error_code": "client_gone"}, "client went away"),
        ({"status": "failed", "error_code": "deadline_passed"}, "time for a request was over"),
        ({"status": "failed", "error_code": "new_code"}, "`new_code`"),
    ],
)
def test_how_it_ended_is_told(
    client: Client, ada: User, fields: dict[str, Any], words: str
) -> None:
    assert words in explain(client, history_row(user=ada, **fields))[1]


@pytest.mark.parametrize("ending", ["", "/", "/explain", "/explain/"])
@pytest.mark.parametrize("prefix", ["", "chatcmpl-", "cmpl-"])
def test_a_request_is_found_by_the_id_its_door_answered_with(
    client: Client, ada: User, prefix: str, ending: str
) -> None:
    row = history_row(user=ada)
    response = client.get(f"/api/v1/requests/{prefix}{row.id}{ending}")
    assert (response.status_code, response.json()["id"]) == (200, str(row.id))


@pytest.mark.parametrize(
    "name",
    ["x", "%00", "chatcmpl-", "1" * 5000, "../etc", f"a-b-{uuid.UUID(int=0)}", "%F0%9F%94%91"],
)
def test_what_is_no_id_is_a_clear_404(client: Client, name: str) -> None:
    for ending in ("", "/explain"):
        response = client.get(f"/api/v1/requests/{name}{ending}")
        assert response.status_code == 404
        assert len(response.content) < 1000


def test_a_request_takes_one_query_however_much_it_says(client: Client, ada: User) -> None:
    small = history_row(0, user=ada)
    large = history_row(1, user=ada, prompt="hello", admission=verdict(*[DAY] * 40))
    for ending in ("", "/explain"):
        counts = set()
        for row in (small, large):
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/api/v1/requests/{row.id}{ending}")
            counts.add(len(queries))
        assert len(counts) == 1
