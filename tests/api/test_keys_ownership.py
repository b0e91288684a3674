"""Whose keys are whose: eve learns nothing of ada's and changes nothing; an admin manages all."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, User
from accounts.selectors import principal_of_key
from tests.api.key_management import KEYS, manager, send
from tests.people import admin_person, key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
NOBODYS = 999_999


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def eve(db: None) -> Client:
    return manager(person("eve"))


@pytest.fixture
def root(db: None) -> Client:
    return manager(admin_person())


def attempts(client: Client, key_id: int) -> list[Any]:
    """Return the answers to everything that can be tried on a key."""
    one = f"{KEYS}/{key_id}"
    return [
        client.get(one),
        send(client, "patch", one, name="mine"),
        send(client, "patch", one, scopes=["everything"]),
        send(client, "post", f"{one}/rotate", grace_seconds=5),
        send(client, "post", f"{one}/rotate", grace_seconds=-5),
        client.delete(one),
    ]


def test_a_foreign_key_answers_as_one_that_is_not_there(ada: User, eve: Client) -> None:
    text = key_of(ada, name="laptop")
    before = ApiKey.objects.filter(user=ada).values().get()
    there, not_there = attempts(eve, row_of(text).id), attempts(eve, NOBODYS)
    for one, other in zip(there, not_there, strict=True):
        assert one.status_code == other.status_code
        assert _without_id(one) == _without_id(other)
    assert there[0].status_code == 404
    assert {response.status_code for response in there} <= {400, 404}
    assert ApiKey.objects.filter(user=ada).values().get() == before
    assert principal_of_key(text).key_name == "laptop"


def _without_id(response: Any) -> dict[str, Any]:
    return {name: value for name, value in response.json().items() if name != "request_id"}


def test_a_list_holds_ones_own_keys_alone(ada: User, eve: Client) -> None:
    key_of(ada, name="laptop")
    found = eve.get(KEYS).json()["results"]
    assert {one["user"] for one in found} == {"eve"}


@pytest.mark.parametrize("name", ["ada", "root", "nobody", "*", "ADA"])
def test_naming_another_user_is_refused_alike_whether_or_not_there_is_one(
    ada: User, eve: Client, name: str
) -> None:
    for response in (eve.get(KEYS, {"user": name}), send(eve, "post", KEYS, user=name)):
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert not ApiKey.objects.filter(user=ada).exists()


def test_naming_oneself_is_fine(eve: Client) -> None:
    assert eve.get(KEYS, {"user": "eve"}).status_code == 200
    assert send(eve, "post", KEYS, user="eve").status_code == 201


def test_an_owner_cannot_be_changed(ada: User, eve: Client) -> None:
    key = ApiKey.objects.get(user__username="eve")
    assert send(eve, "patch", f"{KEYS}/{key.id}", user="ada").status_code == 200
    assert ApiKey.objects.get().user.username == "eve"


def test_an_admin_lists_one_users_keys_and_everybodys(ada: User, eve: Client, root: Client) -> None:
    key_of(ada)
    names = [
        {one["user"] for one in root.get(KEYS, asked).json()["results"]}
        for asked in ({}, {"user": "ada"}, {"user": "*"}, {"user": "nobody"})
    ]
    assert names == [{"root"}, {"ada"}, {"ada", "eve", "root"}, set()]


def test_an_admin_makes_changes_rotates_and_revokes_keys_of_others(ada: User, root: Client) -> None:
    made = send(root, "post", KEYS, user="ada", scopes=["generate"]).json()
    assert principal_of_key(made["key"]).username == "ada"
    one = f"{KEYS}/{made['id']}"
    assert send(root, "patch", one, name="new").json()["name"] == "new"
    rotated = send(root, "post", f"{one}/rotate").json()
    assert principal_of_key(rotated["key"]).username == "ada"
    assert root.delete(f"{KEYS}/{rotated['id']}").status_code == 204
    assert not ApiKey.objects.active().filter(user=ada).exists()


def test_an_admin_who_names_nobody_is_told(root: Client) -> None:
    response = send(root, "post", KEYS, user="nobody")
    assert (response.status_code, response.json()["param"]) == (400, "user")


def test_a_deactivated_user_gets_no_key(ada: User, root: Client) -> None:
    User.objects.filter(id=ada.pk).update(is_active=False)
    response = send(root, "post", KEYS, user="ada")
    assert (response.status_code, response.json()["code"]) == (409, "inactive_user")


@pytest.mark.parametrize("key_id", ["0", "-1", "x", "1e3", str(2**63), "9" * 5_000, "%00", "1;--"])
def test_an_id_that_no_key_has_is_not_found(eve: Client, key_id: str) -> None:
    assert eve.get(f"{KEYS}/{key_id}").status_code == 404
