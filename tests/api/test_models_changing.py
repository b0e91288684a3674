"""Creating, changing and deleting models."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from inference.registry.models import Model
from inference.registry.services import ConcurrentChangeError, model_save
from tests.model_rows import WHEEL, model_folder, model_row
from tests.people import admin_person, caller, key_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]
ADDRESS = "/api/v1/models"


@pytest.fixture
def client(db: None) -> Client:
    return caller(key_of(admin_person()))


def send(client: Client, method: str, address: str, body: Any) -> Any:
    return client.generic(method, address, json.dumps(body), "application/json")


def test_a_created_model_is_answered_and_stored(client: Client) -> None:
    response = send(client, "POST", ADDRESS, {"name": "new", "source": WHEEL, "slots": 5})
    assert response.status_code == 201
    body = json.loads(response.content)
    assert (body["name"], body["slots"], body["max_queue"]) == ("new", 5, 256)
    assert Model.objects.get(name="new").slots == 5


def test_a_model_is_created_at_the_address_with_a_slash_too(client: Client) -> None:
    response = send(client, "POST", f"{ADDRESS}/", {"name": "new", "source": WHEEL})
    assert response.status_code == 201


def test_a_folder_with_a_safe_model_is_accepted(client: Client, tmp_path: Path) -> None:
    source = f"path:{model_folder(tmp_path / 'model')}"
    response = send(client, "POST", ADDRESS, {"name": "new", "source": source})
    assert response.status_code == 201


def test_a_patch_changes_what_it_names_and_nothing_else(client: Client) -> None:
    row = model_row(slots=5, max_queue=9)
    assert send(client, "PATCH", f"{ADDRESS}/tiny", {"slots": 6}).status_code == 200
    row.refresh_from_db()
    assert (row.slots, row.max_queue) == (6, 9)


def test_an_empty_patch_changes_nothing(client: Client) -> None:
    row = model_row()
    assert send(client, "PATCH", f"{ADDRESS}/tiny", {}).status_code == 200
    assert Model.objects.get().slots == row.slots


def test_what_was_read_can_be_edited_and_put_back(client: Client) -> None:
    model_row()
    body = client.get(f"{ADDRESS}/tiny").json()
    response = send(client, "PUT", f"{ADDRESS}/tiny", {**body, "description": "edited"})
    assert response.status_code == 200
    assert Model.objects.get().description == "edited"


def test_a_put_asks_for_the_source(client: Client) -> None:
    model_row()
    response = send(client, "PUT", f"{ADDRESS}/tiny", {"slots": 6})
    assert (response.status_code, json.loads(response.content)["param"]) == (400, "source")


def test_a_model_can_be_disabled_and_enabled(client: Client) -> None:
    row = model_row()
    for wanted in (False, True):
        send(client, "PATCH", f"{ADDRESS}/tiny", {"enabled": wanted})
        row.refresh_from_db()
        assert row.enabled is wanted


def test_a_model_whose_folder_is_gone_can_be_disabled_but_not_enabled_again(client: Client) -> None:
    model_row(source="path:/nowhere/at/all")
    assert send(client, "PATCH", f"{ADDRESS}/tiny", {"enabled": False}).status_code == 200
    response = send(client, "PATCH", f"{ADDRESS}/tiny", {"enabled": True})
    assert (response.status_code, json.loads(response.content)["param"]) == (400, "source")


def test_a_new_default_takes_the_place_of_the_old_one(client: Client) -> None:
    old = model_row("old", is_default=True)
    model_row("tiny")
    response = send(client, "PATCH", f"{ADDRESS}/tiny", {"is_default": True})
    assert response.status_code == 200
    old.refresh_from_db()
    assert not old.is_default
    assert Model.objects.get(is_default=True).name == "tiny"


def test_a_model_can_be_created_as_the_default(client: Client) -> None:
    model_row("old", is_default=True)
    body = {"name": "new", "source": WHEEL, "is_default": True}
    assert send(client, "POST", ADDRESS, body).status_code == 201
    assert Model.objects.get(is_default=True).name == "new"


def test_a_default_that_is_refused_leaves_the_old_one_in_place(client: Client) -> None:
    model_row("old", is_default=True)
    body = {"name": "new", "source": "nonsense", "is_default": True}
    assert send(client, "POST", ADDRESS, body).status_code == 400
    assert Model.objects.get(is_default=True).name == "old"


def test_a_deleted_model_is_gone(client: Client) -> None:
    model_row()
    response = client.delete(f"{ADDRESS}/tiny")
    assert (response.status_code, response.content) == (204, b"")
    assert client.get(f"{ADDRESS}/tiny").status_code == 404
    assert client.delete(f"{ADDRESS}/tiny").status_code == 404


def test_changes_of_different_fields_at_once_both_stand() -> None:
    model_row()
    one, other = Model.objects.get(), Model.objects.get()
    model_save(model=one, fields={"slots": 6})
    model_save(model=other, fields={"max_queue": 7})
    row = Model.objects.get()
    assert (row.slots, row.max_queue) == (6, 7)


def test_a_change_of_a_model_deleted_meanwhile_is_told_and_revives_nothing() -> None:
    row = model_row()
    Model.objects.all().delete()
    with pytest.raises(ConcurrentChangeError):
        model_save(model=row, fields={"slots": 6})
    assert not Model.objects.exists()
