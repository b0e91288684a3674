"""Which credentials are turned away, and what their bearers are told."""

import sys
from datetime import timedelta
from typing import Any

import pytest
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from accounts import key_format
from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from accounts.services import api_key_revoke
from tests.people import caller, key_of, person, row_of

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/models"


def answer_to(key: str) -> dict[str, Any]:
    """Return the refusal of `key`, but for what differs with every request."""
    response = caller(key).get(ADDRESS)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    body.pop("request_id")
    return body


def wrong_secret(key: str) -> str:
    parts = key_format.parse(key)
    assert parts is not None
    return key_format.to_text(parts._replace(secret="z" * key_format.SECRET_LENGTH))


def test_who_sends_no_key_is_told_how_to_send_one() -> None:
    response = Client().get(ADDRESS)
    assert response.status_code == 401
    assert response.json()["code"] == "missing_api_key"
    assert "X-API-Key" in response.json()["detail"]


def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer() -> None:
    unknown = key_format.to_text(key_format.new_parts())
    known = key_of(person())
    assert answer_to(unknown) == answer_to(wrong_secret(known))
    assert answer_to(unknown)["code"] == "invalid_api_key"


def test_an_expired_key_is_told_so() -> None:
    key = key_of(person(), expires_at=timezone.now() - timedelta(seconds=1))
    assert answer_to(key)["code"] == "expired_api_key"


def test_a_key_works_until_it_expires() -> None:
    key = key_of(person(), expires_at=timezone.now() + timedelta(hours=1))
    assert caller(key).get(ADDRESS).status_code == 200


def test_a_revoked_key_is_told_so() -> None:
    key = key_of(person())
    assert api_key_revoke(key_id=row_of(key).id)
    assert answer_to(key)["code"] == "revoked_api_key"


def test_only_the_first_of_two_revocations_did_it() -> None:
    key_id = row_of(key_of(person())).id
    assert [api_key_revoke(key_id=key_id), api_key_revoke(key_id=key_id)] == [True, False]


def test_that_a_key_is_revoked_is_told_only_to_who_holds_its_secret() -> None:
    key = key_of(person())
    api_key_revoke(key_id=row_of(key).id)
    assert answer_to(wrong_secret(key))["code"] == "invalid_api_key"


def test_a_key_of_a_deactivated_user_is_refused() -> None:
    key = key_of(person(is_active=False))
    assert answer_to(key)["code"] == "inactive_user"


def test_a_key_in_the_second_header_works_as_well() -> None:
    client = Client(headers={"X-API-Key": key_of(person())})
    assert client.get(ADDRESS).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_whatever_its_case(scheme: str) -> None:
    client = Client(headers={"Authorization": f"{scheme} {key_of(person())}"})
    assert client.get(ADDRESS).status_code == 200


HOSTILE = {
    "sql": "' OR 1=1; DROP TABLE accounts_apikey; --",
    "sql inside the form": "aip_' OR '1'='1_" + "a" * 38,
    "megabyte": "a" * 1_000_000,
    "megabyte that begins like a key": "aip_" + "a" * 1_000_000,
    "nul": "aip_\0" + "a" * 50,
    "latin-1": "aip_\xff\xfe\xe9" + "a" * 48,
    "unicode": "aip_ключ🔑" + "a" * 44,
    "lone surrogate": "aip_\ud800" + "a" * 50,
    "lone surrogate in the right length": "\udcff" * key_format.MAX_LENGTH,
    "header injection": "aip_x\r\nX-Admin: true",
    "template": "{{ 7*7 }}${7*7}%s%n",
    "path": "../../etc/passwd",
}


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("header", ["HTTP_AUTHORIZATION", "HTTP_X_API_KEY"])
def test_a_hostile_key_is_a_wrong_key_and_no_crash(key: str, header: str) -> None:
    value = f"Bearer {key}" if header == "HTTP_AUTHORIZATION" else key
    response = Client(**{header: value}).get(ADDRESS)  # type: ignore[arg-type]
    assert response.status_code == 401
    assert b"Incorrect API key" in response.content
    assert len(response.content) < 1000


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE)
async def test_the_asynchronous_way_in_refuses_it_alike(key: str) -> None:
    request = AsyncRequestFactory().get(ADDRESS)
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    with pytest.raises(AuthenticationRefused, match="Incorrect API key"):
        await authenticate(request)


def test_a_refusal_repeats_nothing_of_the_key() -> None:
    canary = "canary" + "a" * 50
    assert "canary" not in str(answer_to(canary))
    assert sys.getsizeof(str(answer_to(canary))) < 1000
