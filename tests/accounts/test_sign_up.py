"""Strangers get an account without rights, where the operator allows it."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Plan, User
from accounts.selectors import principal_of_user
from accounts.services.users import NameTaken, user_sign_up
from tests.accounts.signed_in import PASSWORD, called_with, post, signed_in
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
ADDRESS = "/api/v1/auth/sign-up"


@pytest.fixture(autouse=True)
def open_to_all(settings: Settings) -> None:
    settings.SIGN_UP_ENABLED = True


def signing_up(**fields: Any) -> Any:
    return post(ADDRESS, **{"username": "newcomer", "password": PASSWORD, **fields})


def test_a_newcomer_signs_in_and_is_known() -> None:
    answer = signing_up(email="new@example.org")
    assert answer.status_code == 201
    assert answer.json() == {"id": User.objects.get().pk, "username": "newcomer"}
    assert called_with(signed_in("newcomer")["access"]).status_code == 200


def test_the_address_answers_with_a_slash_too() -> None:
    assert post(f"{ADDRESS}/", username="newcomer", password=PASSWORD).status_code == 201


def test_a_newcomer_has_no_rights_and_the_default_plan() -> None:
    Plan.objects.create(name="free", is_default=True)
    signing_up(is_staff=True, is_superuser=True, plan=1, is_active=False)
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.is_active, user.plan) == (
        False,
        False,
        True,
        None,
    )
    assert not user.get_all_permissions()
    assert not principal_of_user(user).is_admin


def test_whoever_has_an_address_already_is_not_told() -> None:
    person("ada", email="ada@example.org")
    known, unknown = (
        signing_up(username="one", email="ada@example.org"),
        signing_up(username="two", email="nobody@example.org"),
    )
    assert known.status_code == unknown.status_code == 201
    assert known.json().keys() == unknown.json().keys()


@pytest.mark.parametrize("name", ["ada", "ADA", "\uff41da", " ada "])
def test_a_name_is_given_once_however_it_is_spelt(name: str) -> None:
    person("ada")
    answer = signing_up(username=name)
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    assert answer.json()["param"] == "username"
    assert User.objects.count() == 1


def test_who_comes_second_to_the_same_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    person("ada")
    # As if the first had signed up between our look and our write.
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda self: False)
    with pytest.raises(NameTaken):
        user_sign_up(username="ada", email="", password=PASSWORD)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "3141592653589"}, "password"),
        ({"password": "x" * 1_001}, "password"),
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "a" * 151}, "username"),
        ({"username": "nul\0"}, "username"),
        ({"username": None}, "username"),
        ({"email": "no address"}, "email"),
        ({"email": "a" * 250 + "@example.org"}, "email"),
    ],
)
def test_what_cannot_be_accepted_is_named(fields: dict[str, Any], field: str) -> None:
    answer = signing_up(**fields)
    assert (answer.status_code, answer.json()["param"]) == (400, field)
    assert not User.objects.exists()


def test_switched_off_it_makes_nobody(settings: Settings) -> None:
    settings.SIGN_UP_ENABLED = False
    answer = signing_up()
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_up_disabled")
    assert not User.objects.exists()


def test_the_password_comes_back_nowhere() -> None:
    body = json.dumps({"username": "a b", "password": "canary-canary-canary"})
    answer = Client().post(ADDRESS, body, content_type="application/json")
    assert b"canary" not in answer.content
