"""The history in the admin: shown in full, changed by nobody, quick however long it is."""

import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference.gateway import admin as history_admin
from inference.gateway.models import Request, RequestBody
from tests.model_rows import model_row
from tests.people import admin_person, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]
LIST = "/admin/gateway/request/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def made(number: int = 1, prompt: Any = None, **fields: Any) -> Request:
    """Return a saved row; with `prompt`, bodies too."""
    row = Request.objects.create(
        id=uuid.UUID(int=0x01890000_0000_7000_8000_000000000000 + number),
        created_at=timezone.now(),
        **{"username": "ada", "door": "chat", "status": "completed", "duration_ms": 1.0, **fields},
    )
    if prompt is not None:
        RequestBody.objects.create(request=row, prompt=prompt, completion="<b>Paris</b>")
    return row


def test_a_row_shows_what_was_asked_and_answered(client: Client) -> None:
    row = made(prompt=[{"role": "user", "content": "Où est <Paris>?"}])
    page = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Où est &lt;Paris&gt;?" in page
    assert "&lt;b&gt;Paris&lt;/b&gt;" in page


def test_a_row_without_bodies_opens_too(client: Client) -> None:
    assert client.get(f"{LIST}{made().pk}/change/").status_code == 200


@pytest.mark.parametrize("page", ["change/", "delete/"])
def test_a_row_can_be_neither_changed_nor_deleted(client: Client, page: str) -> None:
    row = made(prompt="hello")
    sent = {"username": "eve", "body-TOTAL_FORMS": "0", "body-INITIAL_FORMS": "0", "post": "yes"}
    assert client.post(f"{LIST}{row.pk}/{page}", sent).status_code == 403
    assert Request.objects.get().username == "ada"
    assert RequestBody.objects.get().prompt == "hello"


def test_a_row_cannot_be_added(client: Client) -> None:
    assert client.post(f"{LIST}add/", {"username": "eve"}).status_code == 403
    assert not Request.objects.exists()


def test_the_list_deletes_nothing(client: Client) -> None:
    row = made()
    client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert Request.objects.count() == 1


def test_no_page_has_a_field_to_write_into(client: Client) -> None:
    page = client.get(f"{LIST}{made(prompt='hello').pk}/change/").content.decode()
    assert "<textarea" not in page
    assert 'name="_save"' not in page


def test_what_is_gone_leaves_its_name_in_the_row(client: Client) -> None:
    user, model = person("gone"), model_row("gone-model")
    made(user=user, model=model, username="gone", model_name="gone-model")
    user.delete()
    model.delete()
    page = client.get(f"{LIST}?q=gone")
    assert len(page.context["cl"].result_list) == 1
    assert b"gone-model" in page.content


def test_the_newest_come_first(client: Client) -> None:
    for number in (2, 3, 1):
        made(number)
    shown = [row.id.int & 0xF for row in client.get(LIST).context["cl"].result_list]
    assert shown == [3, 2, 1]


def test_the_list_takes_as_many_queries_however_long_it_is(client: Client) -> None:
    counts = []
    for number in range(1, 40, 19):
        made(number, prompt="hello")
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_the_list_reads_no_bodies_and_counts_no_whole_table(client: Client) -> None:
    made(prompt="hello")
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST)
    statements = [query["sql"] for query in queries if "gateway_request" in query["sql"]]
    assert statements
    assert not [sql for sql in statements if "requestbody" in sql]
    assert not [sql for sql in statements if "COUNT(" in sql and "LIMIT" not in sql]


def test_counting_stops_at_the_cap(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_admin, "MAX_COUNTED", 3)
    for number in range(5):
        made(number)
    changes = client.get(LIST).context["cl"]
    assert changes.paginator.count == 3


def test_a_search_goes_through_an_index(client: Client) -> None:
    user = person("ada")
    made(user=user)
    found, _ = admin.site._registry[Request].get_search_results(
        client.request().wsgi_request, Request.objects.all(), "ada"
    )
    assert "request_user" in found.explain()
