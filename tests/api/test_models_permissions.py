"""Who may do what to models: every kind of caller, every operation."""

import json
from typing import Any, Final

import pytest
from django.test import Client

from accounts import scopes
from inference.registry.models import Model
from tests.model_rows import WHEEL, model_row
from tests.people import admin_person, caller, key_of, person

pytestmark = pytest.mark.django_db

LIST, ONE = "/api/v1/models", "/api/v1/models/tiny"
NEW: Final = {"name": "new", "source": WHEEL}
READ: Final = [scopes.MODELS_READ]
WRITE: Final = [scopes.MODELS_WRITE]

OPERATIONS: Final[dict[str, tuple[str, str, dict[str, Any] | None, int]]] = {
    "list": ("GET", LIST, None, 200),
    "retrieve": ("GET", ONE, None, 200),
    "create": ("POST", LIST, NEW, 201),
    "update": ("PUT", ONE, {"source": WHEEL, "slots": 4}, 200),
    "partial_update": ("PATCH", ONE, {"slots": 4}, 200),
    "destroy": ("DELETE", ONE, None, 204),
}
READS: Final = {"list", "retrieve"}
EVERYTHING: Final = set(OPERATIONS)

# Who, and which operations are theirs.
MATRIX: Final = {
    "user": READS,
    "user with the write scope alone": set(),
    "user without scopes": set(),
    "user who may sign in to the admin": READS,
    "admin": EVERYTHING,
    "admin with the read scope alone": READS,
    "admin with the write scope alone": EVERYTHING - READS,
    "admin with the generate scope alone": set(),
}


def call(client: Client, operation: str) -> tuple[int, dict[str, Any]]:
    """Return status and body of the operation done by `client`."""
    method, address, body, _ = OPERATIONS[operation]
    response = client.generic(method, address, _json(body), "application/json")
    return response.status_code, response.json() if response.content else {}


def _json(body: dict[str, Any] | None) -> str:
    return "" if body is None else json.dumps(body)


def client_of(who: str) -> Client:
    """Return the client of one of the MATRIX."""
    user = admin_person() if who.startswith("admin") else person(is_staff="sign in" in who)
    wanted = {
        "read scope alone": READ,
        "write scope alone": WRITE,
        "generate scope alone": [scopes.GENERATE],
        "without scopes": [],
    }
    scope = next((one for ending, one in wanted.items() if who.endswith(ending)), None)
    return caller(key_of(user, scope=scope))


@pytest.fixture(autouse=True)
def tiny(db: None, store_away: None) -> Model:
    return model_row("tiny")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("who", MATRIX)
def test_each_may_do_what_is_theirs_and_nothing_else(who: str, operation: str) -> None:
    before = list(Model.objects.values())
    status, body = call(client_of(who), operation)
    if operation in MATRIX[who]:
        assert status == OPERATIONS[operation][3]
    else:
        assert (status, body["code"]) == (403, "permission_denied")
        assert list(Model.objects.values()) == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nobody_may_do_nothing(operation: str) -> None:
    status, body = call(Client(), operation)
    assert (status, body["code"]) == (401, "missing_api_key")
    assert Model.objects.count() == 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_session_of_the_admin_changes_nothing_from_another_page(operation: str) -> None:
    client = Client()
    client.force_login(admin_person())
    status, body = call(client, operation)  # without an Origin, as no browser would
    if operation in ("list", "retrieve"):
        assert status == 200
    else:
        assert (status, body["code"]) == (403, "origin_not_allowed")
    assert Model.objects.filter(name="tiny", slots=32).exists()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_for_other_models_does_not_find_this_one(operation: str) -> None:
    client = caller(key_of(admin_person(), allowed_models=["other"]))
    status, body = call(client, operation)
    if operation == "list":
        assert body["results"] == []
    elif operation == "create":
        assert (status, body["code"]) == (403, "model_not_allowed")
    else:
        assert (status, body["code"]) == (404, "model_not_found")
    assert Model.objects.filter(name="tiny", slots=32).exists()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_for_this_model_does_all_its_owner_may(operation: str) -> None:
    client = caller(key_of(admin_person(), allowed_models=["tiny", "new"]))
    assert call(client, operation)[0] == OPERATIONS[operation][3]


@pytest.mark.parametrize("method", ["TRACE", "POST", "PROPFIND"])
def test_a_method_that_a_model_does_not_have_is_refused(method: str) -> None:
    response = caller(key_of(admin_person())).generic(method, ONE)
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
