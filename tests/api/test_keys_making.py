"""`POST /api/v1/keys`: a key is made, shown once, and is what was asked for."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import scopes
from accounts.models import ApiKey, User
from accounts.selectors import principal_of_key, principal_of_user
from tests.api.key_management import KEYS, manager, send
from tests.people import caller, key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


def made(client: Client, **body: Any) -> dict[str, Any]:
    response = send(client, "post", KEYS, **body)
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_the_key_that_is_answered_works_and_is_what_was_asked_for(ada: User) -> None:
    moment = timezone.now() + timedelta(days=1)
    answer = made(
        manager(ada),
        name="laptop",
        scopes=["generate", "generate"],
        allowed_models=["b", "a"],
        allowed_networks=["10.1.2.3/8", "::ffff:192.168.0.1"],
        store_bodies=False,
        expires_at=moment.isoformat(),
        limits=[{"resource": "requests", "window": "minute", "amount": 10}],
    )
    principal = principal_of_key(answer["key"])
    assert (principal.user_id, principal.key_name) == (ada.pk, "laptop")
    assert principal.scopes == {"generate"}
    assert principal.allowed_models == {"a", "b"}
    assert [str(one) for one in principal.allowed_networks] == ["10.0.0.0/8", "192.168.0.1/32"]
    assert not principal.store_bodies
    assert [(rule.resource, rule.amount, rule.source) for rule in principal.rules] == [
        ("requests", 10, "key")
    ]
    assert row_of(answer["key"]).expires_at == moment


def test_the_secret_is_in_that_answer_only_and_in_no_column(ada: User) -> None:
    client = manager(ada)
    answer = made(client, name="laptop")
    assert answer["key"].startswith(answer["prefix"])
    for address in (KEYS, f"{KEYS}/{answer['id']}"):
        text = client.get(address).content.decode()
        assert answer["prefix"] in text
        assert answer["key"] not in text
    assert answer["key"].rsplit("_", 1)[1] not in str(list(ApiKey.objects.values_list()))


def test_no_cache_may_keep_the_secret(ada: User) -> None:
    response = send(manager(ada), "post", KEYS)
    assert response["Cache-Control"] == "no-store"
    assert response["Location"] == f"{KEYS}/{response.json()['id']}"


def test_a_key_made_without_a_word_does_what_its_user_may_but_not_manage_keys(ada: User) -> None:
    answer = made(manager(ada))
    assert set(answer["scopes"]) == scopes.ALL - {scopes.ADMIN, scopes.MODELS_WRITE}
    assert (answer["allowed_models"], answer["expires_at"], answer["limits"]) == ([], None, [])


def test_costs_have_fractions_and_zero_is_an_amount(ada: User) -> None:
    limits = [
        {"resource": "cost", "window": "day", "amount": 0.25, "per": "key", "model": "tiny"},
        {"resource": "tokens", "window": "total", "amount": 0, "per": "key_model", "model": ""},
    ]
    assert made(manager(ada), limits=limits)["limits"] == limits


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("name", "x" * 101, "name"),
        ("name", "a\0b", "name"),
        ("name", None, "name"),
        ("scopes", ["everything"], "scopes[0]"),
        ("scopes", "generate", "scopes"),
        ("scopes", ["generate"] * 9, "scopes"),
        ("allowed_models", ["No Such"], "allowed_models"),
        ("allowed_models", ["x" * 101], "allowed_models[0]"),
        ("allowed_models", ["a"] * 101, "allowed_models"),
        ("allowed_networks", ["10.0.0.0/33"], "allowed_networks"),
        ("allowed_networks", ["fe80::1%eth0"], "allowed_networks"),
        ("allowed_networks", ["localhost"], "allowed_networks"),
        ("allowed_networks", [f"10.0.0.{n}" for n in range(65)], "allowed_networks"),
        ("expires_at", "2001-01-01T00:00:00Z", "expires_at"),
        ("expires_at", "soon", "expires_at"),
        ("expires_at", 10**400, "expires_at"),
        ("store_bodies", "perhaps", "store_bodies"),
        ("limits", {}, "limits"),
        ("limits", [1], "limits[0]"),
        ("digest", "0" * 64, "digest"),
        ("key", "aip_x", None),
        ("user", "ada\0", "user"),
    ],
)
def test_a_wrong_field_is_named_and_no_key_is_made(
    ada: User, field: str, value: Any, param: str | None
) -> None:
    client = manager(ada)
    response = send(client, "post", KEYS, **{field: value})
    assert response.status_code == 400, response.content
    if param:
        assert response.json()["param"] == param
    assert ApiKey.objects.count() == 1  # the manager's own


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b'"x"', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_refused(ada: User, body: bytes) -> None:
    response = manager(ada).post(KEYS, body, content_type="application/json")
    assert response.status_code in (201, 400)
    assert (response.status_code == 201) == (body == b"")


def limit(**changes: Any) -> dict[str, Any]:
    return {"resource": "requests", "window": "minute", "amount": 1, **changes}


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        (limit(amount=-1), "limits[0].amount"),
        (limit(amount=0.5), "limits[0].amount"),
        (limit(amount=10**13), "limits[0].amount"),
        (limit(amount=True), "limits[0].amount"),
        (limit(amount="NaN"), "limits[0].amount"),
        (limit(amount=None), "limits[0].amount"),
        (limit(resource="cost", amount=1_000_001), "limits[0].amount"),
        (limit(resource="cost", amount=0.0000001), "limits[0].amount"),
        (limit(resource="love"), "limits[0].resource"),
        (limit(window="century"), "limits[0].window"),
        (limit(window="now"), "limits[0].window"),
        (limit(resource="concurrency"), "limits[0].window"),
        (limit(per="user"), "limits[0].per"),
        (limit(per="model"), "limits[0].per"),
        (limit(model="No Such"), "limits[0].model"),
        (limit(model="\0"), "limits[0].model"),
        ({"resource": "requests"}, "limits[0].window"),
    ],
)
def test_a_wrong_limit_is_named_and_no_key_is_made(
    ada: User, wrong: dict[str, Any], param: str
) -> None:
    response = send(manager(ada), "post", KEYS, limits=[wrong])
    assert (response.status_code, response.json()["param"]) == (400, param), response.content
    assert ApiKey.objects.count() == 1


def test_two_limits_on_one_counter_and_too_many_limits_are_refused(ada: User) -> None:
    client = manager(ada)
    twice = send(client, "post", KEYS, limits=[limit(amount=1), limit(amount=2)])
    assert (twice.status_code, twice.json()["param"]) == (400, "limits[1]")
    many = [limit(model=f"m{number}") for number in range(33)]
    assert send(client, "post", KEYS, limits=many).status_code == 400
    assert send(client, "post", KEYS, limits=many[:32]).status_code == 201


def test_a_user_has_a_bounded_number_of_keys_that_work(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.services.managed_keys.MAX_ACTIVE_KEYS", 3)
    client = manager(ada)
    first, _ = made(client), made(client)
    refused = send(client, "post", KEYS)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_keys")
    client.delete(f"{KEYS}/{first['id']}")
    made(client)


def test_a_key_without_the_scope_and_nobody_may_not_manage_keys(ada: User) -> None:
    plain = send(caller(key_of(ada)), "post", KEYS)
    assert (plain.status_code, plain.json()["code"]) == (403, "permission_denied")
    assert "`admin`" in plain.json()["detail"]
    assert send(Client(), "post", KEYS).status_code == 401


def test_a_person_without_a_key_manages_keys(ada: User) -> None:
    assert principal_of_user(ada).key_id is None
    from accounts.tokens import tokens_issue

    answer = made(caller(tokens_issue(user=ada).access), scopes=["admin"])
    assert made(caller(answer["key"]), name="second")["scopes"] == []


def test_an_idempotency_key_makes_one_key_and_answers_its_secret_again(ada: User) -> None:
    client = manager(ada)
    bodies = [
        client.post(
            KEYS, json.dumps({}), content_type="application/json", HTTP_IDEMPOTENCY_KEY="once"
        ).json()
        for _ in range(2)
    ]
    assert bodies[0]["key"] == bodies[1]["key"]
    assert ApiKey.objects.count() == 2
