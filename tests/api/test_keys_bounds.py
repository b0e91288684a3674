"""No key gives more than it has, and no limit of a key rises above its user's."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import scopes
from accounts.models import ApiKey, Limit, Plan, User
from tests.api.key_management import KEYS, manager, send
from tests.people import admin_person, caller, key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def root(db: None) -> User:
    return admin_person()


def bound_key(user: User, **fields: Any) -> str:
    """Return a key of `user` that is bound in every way but to be sent from another place."""
    return key_of(
        user,
        **{
            "scope": ["admin", "generate"],
            "allowed_models": ["a", "b"],
            "allowed_networks": ["127.0.0.0/8"],
            "expires_at": timezone.now() + timedelta(hours=1),
            "store_bodies": False,
            "limits": [requests_limit(10)],
            **fields,
        },
    )


def requests_limit(amount: int, **fields: Any) -> Limit:
    whole = {"resource": "requests", "window": "minute", "per": "key", **fields}
    return Limit(**whole, amount=Decimal(amount))


def wire(amount: int, **fields: Any) -> dict[str, Any]:
    return {"resource": "requests", "window": "minute", "amount": amount, **fields}


def refused(response: Any, param: str) -> None:
    assert response.status_code == 403, response.content
    assert (response.json()["code"], response.json()["param"]) == ("more_than_allowed", param)


MORE = [
    ({"scopes": ["generate", "embed"]}, "scopes"),
    ({"allowed_models": ["a", "c"]}, "allowed_models"),
    ({"allowed_models": []}, "allowed_models"),
    ({"allowed_networks": ["10.0.0.0/8"]}, "allowed_networks"),
    ({"allowed_networks": ["0.0.0.0/0"]}, "allowed_networks"),
    ({"allowed_networks": ["::/0"]}, "allowed_networks"),
    ({"allowed_networks": []}, "allowed_networks"),
    ({"expires_at": None}, "expires_at"),
    ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
    ({"limits": []}, "limits"),
    ({"limits": [wire(11)]}, "limits"),
    ({"limits": [wire(10, model="a")]}, "limits"),
    ({"limits": [wire(10, per="key_model")]}, "limits"),
]


@pytest.mark.parametrize(("more", "param"), MORE)
def test_a_key_makes_none_that_may_more(ada: User, more: dict[str, Any], param: str) -> None:
    refused(send(caller(bound_key(ada)), "post", KEYS, **more), param)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(("more", "param"), MORE)
def test_a_key_changes_none_to_more_than_it_may(
    ada: User, more: dict[str, Any], param: str
) -> None:
    text = bound_key(ada)
    other = row_of(bound_key(ada, allowed_models=["a"], limits=[requests_limit(1)]))
    for key in (row_of(text), other):
        before = ApiKey.objects.filter(id=key.id).values().get()
        refused(send(caller(text), "patch", f"{KEYS}/{key.id}", **more), param)
        assert ApiKey.objects.filter(id=key.id).values().get() == before


def test_a_key_of_an_admin_is_bound_by_itself_too(ada: User, root: User) -> None:
    client = caller(bound_key(root))
    refused(send(client, "post", KEYS, user="ada", scopes=["embed"]), "scopes")


def test_what_is_not_named_is_as_the_calling_key_has_it(ada: User) -> None:
    text = bound_key(ada)
    made = send(caller(text), "post", KEYS).json()
    own = row_of(text)
    assert made["scopes"] == ["generate"]
    assert (made["allowed_models"], made["allowed_networks"]) == (["a", "b"], ["127.0.0.0/8"])
    assert (made["store_bodies"], made["limits"]) == (False, [wire(10, per="key", model="")])
    assert row_of(made["key"]).expires_at == own.expires_at


def test_a_key_gives_less_than_it_has(ada: User) -> None:
    less = {
        "scopes": ["generate"],
        "allowed_models": ["b"],
        "allowed_networks": ["127.0.0.1", "::ffff:127.1.0.0/112"],
        "limits": [wire(9), wire(10**9, window="hour")],
    }
    response = send(caller(bound_key(ada)), "post", KEYS, **less)
    assert response.status_code == 201, response.content


def test_a_key_does_not_get_the_secret_of_a_mightier_one_by_rotating_it(ada: User) -> None:
    mighty = row_of(key_of(ada, scope=sorted(scopes.ALL)))
    refused(send(caller(bound_key(ada)), "post", f"{KEYS}/{mighty.id}/rotate"), "scopes")
    limited = row_of(bound_key(ada, limits=[requests_limit(11)]))
    refused(send(caller(bound_key(ada)), "post", f"{KEYS}/{limited.id}/rotate"), "limits")
    assert not ApiKey.objects.exclude(rotated_from=None).exists()


def test_a_key_renames_and_revokes_a_mightier_one(ada: User) -> None:
    client, mighty = caller(bound_key(ada)), row_of(key_of(ada))
    one = f"{KEYS}/{mighty.id}"
    sent_back = {**client.get(one).json(), "name": "new"}
    assert send(client, "patch", one, **sent_back).status_code == 200
    assert client.delete(one).status_code == 204


@pytest.mark.parametrize(
    ("freer", "param"),
    [
        ({"allowed_models": []}, "allowed_models"),
        ({"allowed_networks": []}, "allowed_networks"),
        ({"expires_at": None}, "expires_at"),
        ({"limits": []}, "limits"),
    ],
)
def test_a_key_lends_no_scope_to_one_that_is_freer_elsewhere(
    ada: User, freer: dict[str, Any], param: str
) -> None:
    other = row_of(bound_key(ada, **{"scope": ["generate"], **freer}))
    client = caller(bound_key(ada))
    refused(send(client, "patch", f"{KEYS}/{other.id}", scopes=["admin", "generate"]), param)
    assert ApiKey.objects.get(id=other.id).scopes == ["generate"]
    assert send(client, "patch", f"{KEYS}/{other.id}", store_bodies=True).status_code == 200


def test_a_scope_for_admins_is_given_to_admins_keys_alone(ada: User, root: User) -> None:
    refused(send(manager(ada), "post", KEYS, scopes=["models:write"]), "scopes")
    refused(send(manager(root), "post", KEYS, user="ada", scopes=["models:write"]), "scopes")
    assert "models:write" in send(manager(root), "post", KEYS).json()["scopes"]


def on_plan(user: User, amount: int, **fields: Any) -> None:
    plan = Plan.objects.create(name="free")
    row = requests_limit(amount, **fields)
    row.plan = plan
    row.save()
    User.objects.filter(id=user.pk).update(plan=plan)


@pytest.fixture
def client(ada: User) -> Client:
    return manager(ada)


def test_a_limit_of_a_key_is_not_above_the_plans(ada: User, client: Client) -> None:
    on_plan(ada, 100)
    for response in (
        send(client, "post", KEYS, limits=[wire(1, window="hour"), wire(101)]),
        send(client, "patch", _own(client), limits=[wire(1, window="hour"), wire(101)]),
    ):
        refused(response, "limits[1].amount")
        assert "plan free allows 100 requests a minute" in response.json()["detail"]
    assert send(client, "post", KEYS, limits=[wire(100)]).status_code == 201


def _own(client: Client) -> str:
    return f"{KEYS}/{client.get(KEYS).json()['results'][0]['id']}"


def test_a_users_own_limit_is_the_bound_where_there_is_one(ada: User, client: Client) -> None:
    on_plan(ada, 100)
    row = requests_limit(200)
    row.user = ada
    row.save()
    assert send(client, "post", KEYS, limits=[wire(200)]).status_code == 201
    refused(send(client, "post", KEYS, limits=[wire(201)]), "limits[0].amount")


def test_costs_are_compared_as_costs(ada: User, client: Client) -> None:
    plan = Plan.objects.create(name="free", is_default=True)
    Limit.objects.create(plan=plan, resource="cost", window="day", per="key", amount="0.5")
    cost = {"resource": "cost", "window": "day"}
    refused(send(client, "post", KEYS, limits=[{**cost, "amount": 0.500001}]), "limits[0].amount")
    assert send(client, "post", KEYS, limits=[{**cost, "amount": 0.5}]).status_code == 201


def test_an_admin_lifts_a_key_above_the_plan(ada: User, root: User) -> None:
    on_plan(ada, 100)
    made = send(manager(root), "post", KEYS, user="ada", limits=[wire(500)]).json()
    renamed = send(manager(ada), "patch", f"{KEYS}/{made['id']}", limits=made["limits"], name="x")
    assert renamed.status_code == 200
    refused(
        send(manager(ada), "patch", f"{KEYS}/{made['id']}", limits=[wire(501)]), "limits[0].amount"
    )
