"""The audit trail in the admin: shown in full, changed by nobody."""

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.services import api_key_create, api_key_update
from tests.accounts.audit_trail import trail
from tests.model_rows import model_row
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


class TestWhatIsDoneInTheAdmin:
    def test_a_key_is_made_with_a_limit(self, client: Client) -> None:
        sent = {
            "user": person("ada").pk,
            "name": "laptop",
            "scopes": ["generate"],
            "limits-TOTAL_FORMS": "1",
            "limits-INITIAL_FORMS": "0",
            "limits-0-resource": "tokens",
            "limits-0-window": "day",
            "limits-0-amount": "5",
            "limits-0-per": "key",
        }
        with trail() as events:
            client.post("/admin/accounts/apikey/add/", sent)
        assert [event.action for event in events] == ["api_key.created", "limit.created"]
        assert "per key (key laptop (" in events[1].subject

    @pytest.mark.parametrize("action", ["revoke", "delete_selected"])
    def test_keys_are_revoked_or_deleted_together(self, client: Client, action: str) -> None:
        keys = [api_key_create(user=person(name))[0] for name in ("ada", "eve")]
        selected = [key.pk for key in keys]
        sent = {"action": action, "_selected_action": selected, "post": "yes"}
        with trail() as events:
            client.post("/admin/accounts/apikey/", sent)
        done = "revoked" if action == "revoke" else "deleted"
        assert {event.action for event in events} == {f"api_key.{done}"}
        assert sorted(event.subject_id for event in events) == sorted(map(str, selected))

    @pytest.mark.usefixtures("store_away")
    @pytest.mark.parametrize(
        ("action", "done"), [("disable", "disabled"), ("delete_selected", "deleted")]
    )
    def test_models_are_changed_together(self, client: Client, action: str, done: str) -> None:
        models = [model_row(name) for name in ("a", "b")]
        selected = [model.pk for model in models]
        sent = {"action": action, "_selected_action": selected, "post": "yes"}
        with trail() as events:
            client.post("/admin/registry/model/", sent)
        assert sorted(event.subject for event in events) == ["a", "b"]
        assert {(event.action, event.actor) for event in events} == {(f"model.{done}", "root")}
