"""A model is created once, however often its POST is sent with the same Idempotency-Key."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from aiplatform.models import IdempotencyRecord
from inference.api.native.models.views import ModelViewSet
from inference.registry.models import Model
from tests.api.keyed import fresh_key, is_replay
from tests.live_web import LiveWeb
from tests.model_rows import WHEEL
from tests.people import admin_person, caller, key_of, person

ADDRESS: Final = "/api/v1/models"


def body_of(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "source": WHEEL, **fields}


def create(client: Client, key: str, name: str = "new", **fields: Any) -> Any:
    """Post a model under an Idempotency-Key."""
    return client.post(
        ADDRESS,
        json.dumps(body_of(name, **fields)),
        "application/json",
        headers={"Idempotency-Key": key},
    )


@pytest.fixture
def root(store: object) -> Client:
    """An admin's client."""
    return caller(key_of(admin_person()))


@pytest.mark.django_db
def test_the_second_post_gets_the_first_answer_and_creates_nothing(root: Client) -> None:
    first, again = (create(root, "k") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (is_replay(first), is_replay(again)) == (False, True)
    assert Model.objects.count() == 1


@pytest.mark.django_db
def test_the_first_answer_outlives_what_it_speaks_of(root: Client) -> None:
    first = create(root, "k")
    Model.objects.all().delete()
    assert create(root, "k").content == first.content
    assert not Model.objects.exists()


@pytest.mark.django_db
def test_another_body_is_refused_and_nothing_created(root: Client) -> None:
    create(root, "k")
    refused = create(root, "k", name="another")
    assert refused.status_code == 409
    assert refused.json()["code"] == "idempotency_key_reused"
    assert refused.headers["content-type"] == "application/problem+json"
    assert Model.objects.count() == 1


@pytest.mark.django_db
def test_what_was_refused_may_be_corrected_under_the_same_key(root: Client) -> None:
    refused = create(root, "k", slots=-1)
    assert refused.status_code == 400
    assert not IdempotencyRecord.objects.exists()
    assert create(root, "k").status_code == 201


@pytest.mark.django_db
def test_another_admin_with_the_same_key_is_answered_for_himself(root: Client) -> None:
    create(root, "k")
    other = caller(key_of(admin_person("second")))
    assert create(other, "k").status_code == 400  # there is such a model: he is not shown another's
    assert create(other, "k", name="another").status_code == 201


@pytest.mark.django_db
def test_whoever_may_not_create_claims_nothing(root: Client) -> None:
    create(root, "k")
    eve = caller(key_of(person("eve")))
    assert create(eve, "k").status_code == 403
    assert create(Client(), "k").status_code == 401
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_a_key_out_of_bounds_is_refused_with_the_bound(root: Client, key: str) -> None:
    refused = create(root, key)
    assert refused.status_code == 400
    assert "1 to 255 visible ASCII" in refused.json()["detail"]


@pytest.mark.django_db
def test_an_answer_over_the_bound_is_given_and_not_kept(root: Client, settings: Settings) -> None:
    settings.IDEMPOTENCY_MAX_ANSWER_BYTES = 10
    assert create(root, "k").status_code == 201
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db
def test_only_posts_are_looked_at(root: Client) -> None:
    create(root, "k")
    for _ in range(2):
        answer = root.patch(
            f"{ADDRESS}/new", b"{}", "application/json", headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 200
        assert not is_replay(answer)


@pytest.mark.django_db(transaction=True)
def test_one_that_lost_its_claim_meanwhile_creates_nothing(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = ModelViewSet.create

    def slow(view: ModelViewSet, request: Any) -> Any:
        answer = created(view, request)
        _somebody_takes_over()
        return answer

    monkeypatch.setattr(ModelViewSet, "create", slow)
    refused = create(root, "k")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_in_flight")
    assert not Model.objects.exists()


def _somebody_takes_over() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE aiplatform_idempotencyrecord SET holder = %s", ["0" * 32])


def test_of_many_at_once_one_creates_and_all_get_its_answer(live_web: LiveWeb) -> None:
    name, key = "made-once", fresh_key()
    with live_web.client("root", headers={"Idempotency-Key": key}) as client:
        with ThreadPoolExecutor(12) as threads:
            answers = list(
                threads.map(lambda _: client.post(ADDRESS, json=body_of(name)), range(12))
            )
        client.delete(f"{ADDRESS}/{name}")
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(is_replay(answer) for answer in answers) == 11


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_a_stranger_signs_up_once(settings: Settings) -> None:
    settings.SIGN_UP_ENABLED = True
    body = json.dumps({"username": "newcomer", "password": "a long enough Passphrase"})
    post = partial(Client().post, "/api/v1/auth/sign-up", body, "application/json")
    first, again = (post(headers={"Idempotency-Key": "k"}) for _ in range(2))
    elsewhere = post(headers={"Idempotency-Key": "k"}, REMOTE_ADDR="192.0.2.9")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert is_replay(again)
    assert elsewhere.json()["code"] == "username_taken"
    assert User.objects.count() == 1
