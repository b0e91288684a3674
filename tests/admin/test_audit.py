"""The audit trail in the admin: shown in full, changed by nobody."""

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.services import api_key_create, api_key_update
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/auditevent/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def test_an_event_shows_what_it_was_and_what_it_became(client: Client) -> None:
    key, _ = api_key_create(user=person("ada"), name="laptop")
    api_key_update(key=key, fields={"name": "<script>alert(1)</script>"})
    event = AuditEvent.objects.get(action="api_key.changed")
    page = client.get(f"{LIST}{event.pk}/change/").content.decode()
    assert "name: &quot;laptop&quot; → &quot;&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_list_shows_who_did_what(client: Client) -> None:
    person("ada")
    page = client.get(LIST).content.decode()
    for text in ("user.created", ">ada<", ">platform<"):
        assert text in page


@pytest.mark.parametrize("term", ["ada", "platform", "user.created' OR 1=1", "\x00"])
def test_whatever_is_looked_for_the_list_opens(client: Client, term: str) -> None:
    person("ada")
    assert client.get(LIST, {"q": term}).status_code == 200


def test_even_a_superuser_adds_changes_and_deletes_nothing(client: Client) -> None:
    person("ada")
    before = list(AuditEvent.objects.values())
    event = AuditEvent.objects.get(subject="ada")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}add/", {"actor": "x"}).status_code == 403
    assert client.post(f"{LIST}{event.pk}/change/", {"actor": "x"}).status_code == 403
    assert client.post(f"{LIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    client.post(LIST, sent)
    assert list(AuditEvent.objects.values()) == before
