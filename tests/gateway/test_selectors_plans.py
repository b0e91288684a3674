"""Every read of the history and of usage goes through an index, whatever is asked for."""

import uuid
from datetime import date, timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, User
from inference.gateway import selectors
from inference.gateway.models import UsageDay
from inference.gateway.selectors import RequestFilter, requests_page
from inference.gateway.selectors_usage import UsageFilter, usage_sums
from tests.gateway.history_rows import BEGIN, history_rows
from tests.people import key_of, person, row_of

pytestmark = pytest.mark.django_db
ROWS: Final = 400
MIDDLE: Final = BEGIN + timedelta(minutes=ROWS // 2)

FILTERS: Final[dict[str, dict[str, Any]]] = {
    "nothing": {},
    "before": {"before": uuid.UUID("7" * 32)},
    "model": {"model_name": "tiny"},
    "status": {"status": "failed"},
    "door": {"door": "completions"},
    "finish reason": {"finish_reason": "length"},
    "from": {"since": MIDDLE},
    "to": {"until": MIDDLE},
    "span": {"since": MIDDLE, "until": MIDDLE + timedelta(hours=1)},
    "key": {"key_id": 0},
    "all": {"status": "failed", "model_name": "tiny", "since": MIDDLE, "key_id": 0},
}


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture(params=["fresh", "analyzed"])
def key(ada: User, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ApiKey:
    """A key of ada's, in a database that may know what its rows are like."""
    monkeypatch.setattr(selectors, "MAX_EXAMINED", 100)
    key = row_of(key_of(ada))
    history_rows(ROWS, user=ada, api_key=key)
    history_rows(1, first=ROWS, user=person("eve"))
    if request.param == "analyzed":
        _analyze()
    return key


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def plans(captured: CaptureQueriesContext) -> list[str]:
    """Return how SQLite runs each statement that was captured."""
    found = []
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
            found.append("; ".join(step[3] for step in cursor.fetchall()))
    return found


@pytest.mark.parametrize("whose", ["own", "everybody's"])
@pytest.mark.parametrize("name", FILTERS)
def test_a_page_of_requests_is_read_in_the_order_of_an_index(
    ada: User, key: ApiKey, name: str, whose: str
) -> None:
    wanted = {**FILTERS[name], "user_id": ada.id if whose == "own" else None}
    if "key_id" in wanted:
        wanted["key_id"] = key.id
    with CaptureQueriesContext(connection) as captured:
        requests_page(wanted=RequestFilter(**wanted), limit=50)
    assert 1 <= len(captured) <= 2
    for query in captured.captured_queries:
        # An index takes one bound on either side; a second one might be the one that is taken.
        assert query["sql"].count('"id" >=') <= 1
        assert query["sql"].count('"id" <') <= 1
    for plan in plans(captured):
        assert "INDEX" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
        # Everybody's newest are the last entries of the whole index: only as many are read.
        of_whole_index = whose == "everybody's" and (name == "nothing" or "COVERING" in plan)
        assert plan.startswith("SEARCH") or of_whole_index, plan
        if "key_id" in wanted:
            assert "request_api_key" in plan, plan


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("whose", ["own", "everybody's"])
def test_where_a_page_ends_is_read_from_the_index_alone(ada: User, whose: str) -> None:
    wanted = RequestFilter(user_id=ada.id if whose == "own" else None, status="failed")
    with CaptureQueriesContext(connection) as captured:
        page = requests_page(wanted=wanted, limit=50)
    assert page.requests == []
    assert page.following is not None
    where, rows = plans(captured)
    assert "COVERING INDEX" in where
    assert "id>" in rows


@pytest.mark.parametrize(
    "fields", [{"user_id": 1}, {}, {"user_id": 1, "key_id": 2}, {"key_id": 2}, {"model_name": "m1"}]
)
def test_usage_is_summed_from_the_days_that_are_asked_for(db: None, fields: dict[str, Any]) -> None:
    first = date(2024, 1, 1)
    UsageDay.objects.bulk_create(
        UsageDay(
            day=first + timedelta(days=number % 400),
            user_id=1 + number % 20,
            api_key_id=number % 7,
            model_name=f"m{number % 3}",
        )
        for number in range(600)
    )
    _analyze()
    span: dict[str, Any] = {
        "since": first + timedelta(days=300),
        "until": first + timedelta(days=310),
    }
    with CaptureQueriesContext(connection) as captured:
        usage_sums(wanted=UsageFilter(**span, **fields), group_by=["day", "model"], limit=100)
    (plan,) = plans(captured)
    assert plan.startswith("SEARCH"), plan
    assert "day>" in plan, plan
