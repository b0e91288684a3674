"""Pages of ours call the API with their visitor's session; nobody else's pages do."""

import json
from typing import Any, Final

import pytest
from django.test import Client

from tests.people import caller, key_of, person

MODELS: Final = "/api/v1/models"  # asked in a thread
CHAT: Final = "/v1/chat/completions"  # asked on the loop
HOST: Final = "http://testserver"
FOREIGN: Final = ["https://evil.example", "https://testserver", f"{HOST}:81", "null", ""]

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(name: str = "ada", **fields: Any) -> Client:
    client = Client()
    client.force_login(person(name, **fields))
    return client


def posted(client: Client, origin: str | None, address: str = CHAT, **further: str) -> Any:
    """Return the answer to what lacks every field: 400 says that the caller was let in."""
    headers = {**({} if origin is None else {"Origin": origin}), **further}
    return client.post(address, "{}", content_type="application/json", headers=headers)


def test_a_session_reads_as_its_person() -> None:
    client = signed_in()
    assert client.get(MODELS).status_code == 200
    assert client.get("/v1/models").status_code == 200
    assert client.get("/api/v1/audit").status_code == 403  # for admins, which ada is not


def test_a_session_asks_from_our_own_pages() -> None:
    client = signed_in("root", is_superuser=True)
    assert posted(client, HOST).status_code == 400
    assert posted(client, HOST, MODELS).status_code == 400


@pytest.mark.parametrize("origin", [*FOREIGN, None])
@pytest.mark.parametrize("address", [CHAT, "/api/v1/keys", MODELS])
def test_a_session_asks_from_no_other_page(address: str, origin: str | None) -> None:
    answer = posted(signed_in("eve"), origin, address)
    assert answer.status_code == 403
    problem = json.loads(answer.content)
    error = problem["error"] if address.startswith("/v1/") else problem
    assert error["code"] == "origin_not_allowed"


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_page_that_names_itself_does_not_read_either(origin: str) -> None:
    assert signed_in().get(MODELS, headers={"Origin": origin}).status_code == 403


def test_pages_that_are_trusted_with_forms_are_trusted_here(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://ours.example"]
    assert posted(signed_in(), "https://ours.example").status_code == 400


def test_a_key_counts_before_the_cookie_and_from_anywhere() -> None:
    client = signed_in("eve")
    bearer = {"Authorization": f"Bearer {key_of(person('ada'))}"}
    assert posted(client, "https://evil.example", **bearer).status_code == 400
    assert client.get(MODELS, headers=bearer).status_code == 200
    assert client.get("/api/v1/keys", headers=bearer).status_code == 403  # as eve it would be 200


@pytest.mark.parametrize("cookie", ["x" * 32, "", "../../etc/passwd", "x" * 5_000])
@pytest.mark.parametrize("address", [MODELS, "/v1/models"])
def test_a_cookie_that_is_no_session_is_refused(address: str, cookie: str) -> None:
    client = Client()
    client.cookies["sessionid"] = cookie
    assert client.get(address).status_code == 401


def test_a_session_that_ended_is_refused() -> None:
    client = signed_in()
    cookie = client.cookies["sessionid"].value
    client.logout()
    client.cookies["sessionid"] = cookie
    assert client.get(MODELS).status_code == 401


def test_without_key_and_cookie_the_answer_is_as_ever() -> None:
    answer = Client().get(MODELS)
    assert answer.status_code == 401
    assert answer.json()["code"] == "missing_api_key"
    assert caller("nonsense").get(MODELS).json()["code"] == "invalid_api_key"
