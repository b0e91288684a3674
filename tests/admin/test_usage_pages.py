"""Usage and the limits' words in the admin: shown, found, changed by nobody."""

from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inference.gateway.models import UsageDay
from tests.gateway.history_rows import history_row, history_rows
from tests.people import admin_person, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]
LIST = "/admin/gateway/usageday/"
HISTORY = "/admin/gateway/request/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def used(number: int = 1, **fields: Any) -> UsageDay:
    defaults = {"day": date(2026, 3, number), "user_id": 1, "model_name": "tiny", "requests": 3}
    return UsageDay.objects.create(**{**defaults, **fields})


def test_a_day_is_shown_with_its_cost(client: Client) -> None:
    row = used(cost_nano=1_500_000, charged_tokens=77)
    assert "0.0015" in client.get(LIST).content.decode()
    page = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "0.0015" in page
    assert "77" in page


def test_a_day_is_added_changed_and_deleted_by_nobody(client: Client) -> None:
    row = used()
    for page in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert client.post(f"{LIST}{page}", {"requests": "99", "post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert UsageDay.objects.get().requests == 3


@pytest.mark.parametrize(("term", "found"), [("ada", 1), ("tiny", 2), ("nobody", 0), ("", 3)])
def test_days_are_found_by_user_and_by_model(client: Client, term: str, found: int) -> None:
    used(1, user_id=person("ada").id, model_name="other")
    used(2)
    used(3)
    page = client.get(LIST, {"q": term})
    assert len(page.context["cl"].result_list) == found


def test_a_search_goes_through_an_index(client: Client) -> None:
    request = client.request().wsgi_request
    find = admin.site._registry[UsageDay].get_search_results
    for term in (person("ada").username, "tiny"):
        rows, _ = find(request, UsageDay.objects.all(), term)
        assert "INDEX" in rows.explain()


@pytest.mark.parametrize("address", [LIST, HISTORY])
def test_a_list_takes_as_many_queries_however_long_it_is(client: Client, address: str) -> None:
    counts = set()
    for number in (1, 20):
        history_rows(number, first=number * 100, admission={"limits": []})
        for day in range(number):
            used(1 + day, api_key_id=number)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        counts.add(len(queries))
    assert len(counts) == 1


def test_a_request_shows_what_the_limits_said_and_what_it_cost(client: Client) -> None:
    said = {"limits": [{"source": "plan <free>", "limit": 1000}], "refused_by": None}
    row = history_row(
        admission=said, cost_nano=45_000, counted_at=1_772_366_400_000, charged_tokens=1300
    )
    page = client.get(f"{HISTORY}{row.pk}/change/").content.decode()
    assert "plan &lt;free&gt;" in page
    assert "0.000045" in page
    assert "2026-03-01 12:00:00+00:00" in page


def test_a_request_that_was_never_admitted_says_so(client: Client) -> None:
    page = client.get(f"{HISTORY}{history_row(status='refused').pk}/change/").content.decode()
    assert "never" in page
