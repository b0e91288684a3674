"""`/api/v1/keys/{id}`: read, changed, rotated, revoked, and what happens when two do it at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.errors import AuthenticationRefused
from accounts.models import ApiKey, Limit, User
from accounts.selectors import principal_of_key
from accounts.services import KeyNotInForce, api_key_revoke, api_key_rotate
from tests.api.key_management import KEYS, manager, send
from tests.people import key_of, person, row_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]
LIMIT = {"resource": "requests", "window": "minute", "amount": 5, "per": "key", "model": "tiny"}


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(ada: User) -> Client:
    return manager(ada)


def address(text: str) -> str:
    return f"{KEYS}/{row_of(text).id}"


def test_what_was_read_can_be_edited_and_sent(ada: User, client: Client) -> None:
    one = address(key_of(ada, name="laptop"))
    read = client.get(one).json()
    answer = send(client, "patch", one, **{**read, "name": "desk", "limits": [LIMIT]}).json()
    assert answer == {**read, "name": "desk", "limits": [LIMIT]}
    assert client.get(f"{one}/").json() == answer


def test_only_what_is_named_changes(ada: User, client: Client) -> None:
    text = key_of(ada, name="laptop", allowed_models=["a"], scope=["generate"])
    send(client, "patch", address(text), allowed_networks=["192.0.2.1"])
    principal = principal_of_key(text)
    assert principal.key_name == "laptop"
    assert principal.allowed_models == {"a"}
    assert [str(one) for one in principal.allowed_networks] == ["192.0.2.1/32"]


def test_limits_are_replaced_as_a_whole(ada: User, client: Client) -> None:
    text = key_of(ada)
    for limits in ([LIMIT, {**LIMIT, "resource": "tokens"}], [{**LIMIT, "amount": 0}], []):
        assert send(client, "patch", address(text), limits=limits).json()["limits"] == limits
        rules = [rule for rule in principal_of_key(text).rules if rule.source == "key"]
        assert [rule.amount for rule in rules] == [one["amount"] for one in limits]


def test_a_changed_limit_counts_for_the_key_unless_it_says_otherwise(
    ada: User, client: Client
) -> None:
    one = address(key_of(ada))
    limit = {"resource": "requests", "window": "minute", "amount": 5}
    (changed,) = send(client, "patch", one, limits=[limit]).json()["limits"]
    assert (changed["per"], changed["model"]) == ("key", "")
    incomplete = send(client, "patch", one, limits=[{"resource": "requests"}])
    assert (incomplete.status_code, incomplete.json()["param"]) == (400, "limits[0].window")


def test_a_revoked_key_stays_to_be_seen_and_is_never_changed(ada: User, client: Client) -> None:
    text = key_of(ada)
    one = address(text)
    assert client.delete(one).status_code == 204
    moment = row_of(text).revoked_at
    assert client.delete(one).status_code == 204
    assert row_of(text).revoked_at == moment
    assert client.get(one).json()["state"] == "revoked"
    for response in (send(client, "patch", one, name="x"), send(client, "post", f"{one}/rotate")):
        assert response.status_code == 409
    with pytest.raises(AuthenticationRefused):
        principal_of_key(text)


def test_an_expired_key_may_be_prolonged_by_its_owner(ada: User, client: Client) -> None:
    text = key_of(ada, expires_at=timezone.now() - timedelta(days=1))
    assert send(client, "patch", address(text), expires_at=None).json()["state"] == "active"


def test_a_rotated_key_has_the_same_settings_and_limits(ada: User, client: Client) -> None:
    end = timezone.now() + timedelta(days=90)
    old = key_of(ada, name="ci", scope=["embed"], allowed_models=["a"], expires_at=end)
    before = send(client, "patch", address(old), limits=[LIMIT], store_bodies=False).json()
    after = send(client, "post", f"{address(old)}/rotate", grace_seconds=3600).json()
    same = before.keys() - {"id", "prefix", "created_at", "rotated_from"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["rotated_from"] == before["id"]
    assert principal_of_key(after["key"]).key_name == "ci"
    ends = row_of(old).expires_at
    assert ends is not None
    assert timedelta(minutes=58) < ends - timezone.now() <= timedelta(hours=1)
    assert principal_of_key(old).key_name == "ci"


def test_without_a_grace_the_old_key_stops_at_once(ada: User, client: Client) -> None:
    old = key_of(ada)
    assert send(client, "post", f"{address(old)}/rotate").status_code == 201
    with pytest.raises(AuthenticationRefused, match="expired"):
        principal_of_key(old)


def test_a_grace_prolongs_nothing(ada: User, client: Client) -> None:
    end = timezone.now() + timedelta(minutes=5)
    old = key_of(ada, expires_at=end)
    send(client, "post", f"{address(old)}/rotate", grace_seconds=3600)
    assert row_of(old).expires_at == end


@pytest.mark.parametrize("grace", [-1, 30 * 86_400 + 1, 10**400, "soon", None, 0.5, [1]])
def test_a_grace_out_of_bounds_is_refused(ada: User, client: Client, grace: Any) -> None:
    response = send(client, "post", f"{address(key_of(ada))}/rotate", grace_seconds=grace)
    assert (response.status_code, response.json()["param"]) == (400, "grace_seconds")


def test_a_key_is_rotated_once_and_its_successor_is_named(ada: User, client: Client) -> None:
    old = key_of(ada)
    first = send(client, "post", f"{address(old)}/rotate", grace_seconds=60).json()
    again = send(client, "post", f"{address(old)}/rotate", grace_seconds=60)
    assert (again.status_code, again.json()["code"]) == (409, "key_not_in_force")
    assert f"to key {first['id']}" in again.json()["detail"]
    client.delete(f"{KEYS}/{first['id']}")
    assert send(client, "post", f"{address(old)}/rotate").status_code == 201


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions at once, each on a thread and a connection of its own."""

    def run(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except KeyNotInForce as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))


@pytest.mark.parametrize("grace", [0, 60])
def test_of_several_rotations_at_once_one_makes_a_key(ada: User, grace: int) -> None:
    key_id = row_of(key_of(ada)).id
    results = at_once(*[lambda: api_key_rotate(key_id=key_id, grace=timedelta(seconds=grace))] * 8)
    assert sum(isinstance(one, tuple) for one in results) == 1
    assert ApiKey.objects.filter(rotated_from=key_id).count() == 1


def test_of_several_revocations_at_once_one_revokes(ada: User) -> None:
    key_id = row_of(key_of(ada)).id
    assert sum(at_once(*[lambda: api_key_revoke(key_id=key_id)] * 8)) == 1


def test_rotation_and_revocation_at_once_leave_the_old_key_revoked(ada: User) -> None:
    key_id = row_of(key_of(ada)).id
    _, revoked = at_once(
        lambda: api_key_rotate(key_id=key_id, grace=timedelta(hours=1)),
        lambda: api_key_revoke(key_id=key_id),
    )
    assert revoked
    assert ApiKey.objects.get(id=key_id).state == "revoked"


def test_of_two_sets_of_limits_written_at_once_one_is_whole(ada: User) -> None:
    text = key_of(ada)
    sets = [
        [{**LIMIT, "window": one} for one in pair] for pair in (("hour", "day"), ("minute", "day"))
    ]
    clients = [manager(ada), manager(ada)]
    responses = at_once(
        *[
            lambda client=client, limits=limits: send(client, "patch", address(text), limits=limits)
            for client, limits in zip(clients, sets, strict=True)
        ]
    )
    assert {one.status_code for one in responses} <= {200, 409}
    left = set(Limit.objects.filter(api_key=row_of(text)).values_list("window", flat=True))
    assert left in [{"hour", "day"}, {"minute", "day"}]


def test_a_key_that_is_being_revoked_makes_no_other(ada: User) -> None:
    text = key_of(ada, scope=["admin"])
    principal = principal_of_key(text)
    api_key_revoke(key_id=row_of(text).id)
    from accounts.services import managed_key_create
    from aiplatform.errors import ApiError

    with pytest.raises(ApiError, match="taken back"):
        managed_key_create(principal=principal, owner=ada, settings={}, limits=None)
    assert ApiKey.objects.count() == 1
