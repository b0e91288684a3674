"""An API key is made and rotated once, and its secret, shown once, lies nowhere readable."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey
from accounts.services import api_key_revoke
from aiplatform.models import IdempotencyRecord
from tests.api.keyed import is_replay
from tests.people import caller, key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
ADDRESS = "/api/v1/keys"


@pytest.fixture
def ada() -> Client:
    return caller(key_of(person("ada"), scope=["admin", "generate"]))


def post(client: Client, address: str = ADDRESS, /, key: str = "k", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key}
    return client.post(address, json.dumps(fields), "application/json", headers=headers)


def test_a_repeated_post_shows_the_same_secret_and_makes_no_second_key(ada: Client) -> None:
    before = ApiKey.objects.count()
    first, again = (post(ada, name="new") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert is_replay(again)
    for name in ("location", "cache-control"):
        assert again.headers[name] == first.headers[name]
    assert ApiKey.objects.count() == before + 1


def test_a_repeated_rotation_makes_no_second_key(ada: Client) -> None:
    address = f"{ADDRESS}/{post(ada, name='old').json()['id']}/rotate"
    before = ApiKey.objects.count()
    first, again = (post(ada, address, key="r", grace_seconds=60) for _ in range(2))
    assert first.status_code == 201
    assert again.content == first.content
    assert ApiKey.objects.count() == before + 1


def test_another_user_with_the_same_idempotency_key_sees_no_foreign_secret(ada: Client) -> None:
    eve = caller(key_of(person("eve"), scope=["admin", "generate"]))
    first, theirs = post(ada, name="new"), post(eve, name="new")
    assert theirs.status_code == 201
    assert not is_replay(theirs)
    assert theirs.json()["id"] != first.json()["id"]


def test_the_secret_is_not_in_the_kept_answer(ada: Client) -> None:
    text = post(ada, name="new").json()["key"]
    (record,) = IdempotencyRecord.objects.all()
    assert record.sealed is not None
    assert text.rpartition("_")[2].encode() not in bytes(record.sealed)


def test_a_replay_needs_an_api_key_that_still_works() -> None:
    own = key_of(person("ada"), scope=["admin"])
    assert post(caller(own), name="new").status_code == 201
    api_key_revoke(key_id=row_of(own).id)
    assert post(caller(own), name="new").status_code == 401
