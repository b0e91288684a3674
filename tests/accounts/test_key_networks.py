"""A key is taken only from its networks, at each request, whoever's principal was kept."""

from typing import Any

import pytest
from django.test import AsyncRequestFactory, Client
from pytest_django import Settings

from accounts.authentication import authenticate
from accounts.principal import Principal
from aiplatform.errors import ApiError
from tests.people import key_of, person

# Other threads read what the test wrote, so it is committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store_away")]


@pytest.fixture
def key(db: None) -> str:
    return key_of(person(), allowed_networks=["10.0.0.0/8", "2001:db8::/32"])


async def call_from(address: str, key: str) -> Principal:
    headers = {"Authorization": f"Bearer {key}"}
    request = AsyncRequestFactory().get("/", headers=headers)
    request.META["REMOTE_ADDR"] = address
    return await authenticate(request)


async def test_a_principal_that_is_kept_is_no_way_in_from_elsewhere(key: str) -> None:
    for address in ("10.1.1.1", "2001:db8::1", "::ffff:10.1.1.1"):
        assert (await call_from(address, key)).username == "ada"
        with pytest.raises(ApiError, match=r"192\.0\.2\.1") as refused:
            await call_from("192.0.2.1", key)
        assert (refused.value.status, refused.value.code) == (403, "network_not_allowed")


async def test_what_has_no_address_is_refused(key: str) -> None:
    with pytest.raises(ApiError, match="from here"):
        await call_from("", key)


def get(key: str, **meta: Any) -> Any:
    return Client(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/models", **meta)


def test_synchronous_views_look_as_well(key: str) -> None:
    assert get(key, REMOTE_ADDR="10.1.1.1").status_code == 200
    response = get(key, REMOTE_ADDR="192.0.2.1")
    assert (response.status_code, response.json()["code"]) == (403, "network_not_allowed")
    assert response["Content-Type"] == "application/problem+json"


def test_where_a_stranger_is_does_not_matter(key: str) -> None:
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert get(wrong, REMOTE_ADDR="192.0.2.1").status_code == 401


def test_a_caller_does_not_say_where_it_is(key: str, settings: Settings) -> None:
    claimed = {"HTTP_X_FORWARDED_FOR": "10.1.1.1"}
    assert get(key, REMOTE_ADDR="192.0.2.1", **claimed).status_code == 403
    settings.TRUST_PROXY_HEADERS = True
    assert get(key, REMOTE_ADDR="192.0.2.1", **claimed).status_code == 200
    both = {"HTTP_X_FORWARDED_FOR": "10.1.1.1, 192.0.2.1"}
    assert get(key, REMOTE_ADDR="127.0.0.1", **both).status_code == 403
