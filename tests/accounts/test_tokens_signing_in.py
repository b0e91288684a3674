"""A name and a password become two tokens, and the access token opens every door."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import scopes
from accounts.tokens import user_of_access_token
from tests.accounts.signed_in import (
    PASSWORD,
    TOKEN,
    called_with,
    claims,
    post,
    signed_in,
    signer,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


def test_the_right_password_gets_both_tokens() -> None:
    signer()
    answer = signed_in()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 15 * 60
    access, refresh = claims(answer["access"]), claims(answer["refresh"])
    assert (access["exp"] - access["iat"], refresh["exp"] - refresh["iat"]) == (900, 7 * 86_400)


def test_no_cache_may_keep_the_tokens() -> None:
    signer()
    response = post(TOKEN, username="ada", password=PASSWORD)
    assert response["Cache-Control"] == "no-store"


def test_the_access_token_opens_a_door() -> None:
    signer()
    assert called_with(signed_in()["access"]).status_code == 200


def test_its_bearer_is_a_person_without_a_key_who_may_everything() -> None:
    from accounts.selectors import principal_of_user

    user = signer()
    found = user_of_access_token(signed_in()["access"])
    assert found == user
    principal = principal_of_user(found)
    assert (principal.key_id, principal.scopes) == (None, scopes.ALL)


def test_signing_in_is_noted() -> None:
    user = signer()
    assert user.last_login is None
    signed_in()
    user.refresh_from_db()
    assert user.last_login is not None


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", " " + PASSWORD)]
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(name: str, password: str) -> None:
    signer()
    response = post(TOKEN, username=name, password=password)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "invalid_credentials"
    assert response.json()["detail"] == "No active user has this name and password."


def test_a_deactivated_user_gets_that_answer_too() -> None:
    signer(is_active=False)
    response = post(TOKEN, username="ada", password=PASSWORD)
    assert response.json()["code"] == "invalid_credentials"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "ada"}, "password"),
        ({"password": PASSWORD}, "username"),
        ({"username": "a" * 151, "password": "x"}, "username"),
        ({"username": "ada", "password": "x" * 1_001}, "password"),
        ({"username": "ada\0", "password": "x"}, "username"),
        ({"username": ["ada"], "password": "x"}, "username"),
        ({"username": "ada", "password": None}, "password"),
    ],
)
def test_a_body_that_cannot_be_right_names_the_field(body: dict[str, object], field: str) -> None:
    response = post(TOKEN, **body)
    assert (response.status_code, response.json()["param"]) == (400, field)


def test_the_database_never_holds_a_token() -> None:
    signer()
    with CaptureQueriesContext(connection) as queries:
        answer = signed_in()
    signature = answer["refresh"].rsplit(".", 1)[-1]
    assert not [query for query in queries if signature in query["sql"]]


def test_tokens_are_signed_with_a_key_of_their_own(settings: Settings) -> None:
    import jwt

    signer()
    token = signed_in()["access"]
    assert len(settings.JWT_SIGNING_KEY.encode()) >= 32
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, settings.SECRET_KEY, ["HS256"], audience="aiplatform")


def test_a_token_costs_as_many_queries_as_a_key() -> None:
    from accounts.selectors import principal_of_user

    signer()
    token = signed_in()["access"]
    with CaptureQueriesContext(connection) as queries:
        principal_of_user(user_of_access_token(token))
    assert len(queries) == 3
