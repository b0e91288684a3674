"""Whose requests and usage are whose: eve never learns of ada's; admins do, but not the texts."""

import uuid
from typing import Any, Final

import pytest
from django.test import Client

from accounts import scopes
from accounts.models import User
from inference.gateway.models import Request, UsageDay
from tests.gateway.history_rows import BEGIN, history_row
from tests.people import admin_person, caller, key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]
BOTH: Final = [scopes.USAGE_READ, scopes.ADMIN]
SPAN: Final = "from=2026-02-01&to=2026-03-31"


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def row(ada: User) -> Request:
    """A request of ada's with its texts, and the usage that it made."""
    key = row_of(key_of(ada, name="laptop"))
    UsageDay.objects.create(
        day=BEGIN.date(), user_id=ada.id, api_key_id=key.id, model_name="tiny", requests=1
    )
    return history_row(user=ada, api_key=key, key_name="laptop", prompt="canary of ada")


@pytest.fixture
def eve(db: None) -> Client:
    return caller(key_of(person("eve"), scope=sorted(scopes.ALL)))


def addresses(row: Request) -> list[str]:
    one = f"/api/v1/requests/{row.id}"
    return ["/api/v1/requests", one, f"{one}/explain", f"/api/v1/usage?{SPAN}", "/api/v1/quotas"]


def get(client: Client, address: str) -> tuple[int, dict[str, Any]]:
    response = client.get(address)
    return response.status_code, response.json()


def test_a_key_without_the_scope_reads_nothing(row: Request, ada: User) -> None:
    client = caller(key_of(ada, scope=[scopes.GENERATE, scopes.ADMIN]))
    for address in addresses(row):
        status, body = get(client, address)
        assert (status, body["code"]) == (403, "permission_denied")
        assert scopes.USAGE_READ in body["detail"]


def test_nobody_reads_nothing(row: Request) -> None:
    for address in addresses(row):
        assert get(Client(), address)[0] == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_changes_anything(row: Request, method: str) -> None:
    client = caller(key_of(admin_person()))
    for address in addresses(row):
        assert client.generic(method, address).status_code == 405
    assert Request.objects.count() == 1


@pytest.mark.parametrize("ending", ["", "/explain"])
def test_anothers_request_is_answered_like_one_that_is_not_there(
    row: Request, eve: Client, ending: str
) -> None:
    foreign = eve.get(f"/api/v1/requests/{row.id}{ending}")
    unknown = eve.get(f"/api/v1/requests/{uuid.uuid4()}{ending}")
    assert foreign.status_code == unknown.status_code == 404
    bodies = [{**one.json(), "request_id": ""} for one in (foreign, unknown)]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "request_not_found"


def test_eves_lists_show_nothing_of_adas(row: Request, eve: Client) -> None:
    for query in (
        "",
        f"?key={row.api_key_id}",
        "?model=tiny",
        f"?before={uuid.UUID(int=2**128 - 1)}",
    ):
        assert get(eve, f"/api/v1/requests{query}") == (200, {"results": [], "next": None})
    for query in ("", f"&key={row.api_key_id}", "&model=tiny", "&group_by=key,model"):
        assert get(eve, f"/api/v1/usage?{SPAN}{query}")[1]["results"] == []


@pytest.mark.parametrize("whose", ["all=true", "user=ada", "user=nobody", "user=ada&all=true"])
@pytest.mark.parametrize("address", ["/api/v1/requests?", f"/api/v1/usage?{SPAN}&"])
def test_only_an_admin_with_the_scope_reads_others(
    row: Request, eve: Client, address: str, whose: str
) -> None:
    without_scope = caller(key_of(admin_person(), scope=[scopes.USAGE_READ]))
    for client in (eve, without_scope):
        status, body = get(client, f"{address}{whose}")
        assert (status, body["code"]) == (403, "permission_denied")


def test_an_admin_reads_everybodys_when_asked_and_their_own_otherwise(row: Request) -> None:
    root = caller(key_of(admin_person(), scope=BOTH))
    for address in ("/api/v1/requests?", f"/api/v1/usage?{SPAN}&"):
        assert get(root, address)[1]["results"] == []
        assert len(get(root, f"{address}all=true")[1]["results"]) == 1
        assert len(get(root, f"{address}user=ada")[1]["results"]) == 1
        assert get(root, f"{address}user=root")[1]["results"] == []
        status, body = get(root, f"{address}user=nobody")
        assert (status, body["param"]) == (400, "user")


def test_the_owner_reads_the_texts_and_an_admin_only_the_row(row: Request, ada: User) -> None:
    address = f"/api/v1/requests/{row.id}"
    body = get(caller(key_of(ada)), address)[1]
    assert body["body"] == {"prompt": "canary of ada", "completion": "Paris"}
    status, seen = get(caller(key_of(admin_person(), scope=BOTH)), address)
    assert (status, seen["user"], seen["body"]) == (200, "ada", None)
    without_scope = caller(key_of(person("op", is_superuser=True), scope=[scopes.USAGE_READ]))
    assert get(without_scope, address)[0] == 404


def test_a_request_of_a_deleted_user_is_nobodys(row: Request, ada: User, eve: Client) -> None:
    ada.delete()
    assert get(eve, f"/api/v1/requests/{row.id}")[0] == 404
    root = caller(key_of(admin_person(), scope=BOTH))
    assert get(root, f"/api/v1/requests/{row.id}")[1]["user"] == "ada"
