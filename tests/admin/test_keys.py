"""API keys in the admin: made, shown once, changed a little, revoked."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core import serializers
from django.test import Client

from accounts import scopes
from accounts.models import ApiKey, AuditEvent, Session, User
from accounts.selectors import principal_of_key
from accounts.services import api_key_create, api_key_revoke
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/apikey/"
KEY_TEXT = re.compile(r"aip_[A-Za-z0-9]{12}_[A-Za-z0-9]{38}")


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def form(**fields: Any) -> dict[str, Any]:
    """Return what the browser sends for a key named `laptop`."""
    plain = {
        "name": "laptop",
        "scopes": [scopes.GENERATE],
        "allowed_models": "",
        "allowed_networks": "",
        "limits-TOTAL_FORMS": "0",
        "limits-INITIAL_FORMS": "0",
        "expires_at_0": "",
    }
    return {**plain, "expires_at_1": "", "store_bodies": "on", **fields}


def make(client: Client, ada: User, **fields: Any) -> str:
    """Make a key in the admin and return the page that follows."""
    response = client.post(f"{LIST}add/", form(user=ada.pk, **fields), follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_the_key_that_is_shown_works(client: Client, ada: User) -> None:
    found = KEY_TEXT.search(make(client, ada))
    assert found
    principal = principal_of_key(found[0])
    assert (principal.username, principal.key_name) == ("ada", "laptop")
    assert principal.scopes == {scopes.GENERATE}


def test_the_key_is_shown_exactly_once(client: Client, ada: User) -> None:
    assert len(KEY_TEXT.findall(make(client, ada))) == 1
    key = ApiKey.objects.get()
    for page in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/", "/admin/"):
        assert not KEY_TEXT.search(client.get(page).content.decode())


def test_the_key_is_kept_in_no_table(client: Client, ada: User) -> None:
    found = KEY_TEXT.search(make(client, ada))
    assert found
    tables = [*ApiKey.objects.all(), *LogEntry.objects.all(), *Session.objects.all()]
    stored = serializers.serialize("json", tables)
    sessions = str([session.get_decoded() for session in Session.objects.all()])
    assert found[0].rsplit("_", 1)[1] not in stored + sessions


def test_no_page_shows_the_digest(client: Client, ada: User) -> None:
    key, _ = api_key_create(user=ada)
    for page in (LIST, f"{LIST}{key.pk}/change/"):
        assert key.digest not in client.get(page).content.decode()


def test_scopes_are_ticked_and_models_are_lines(client: Client, ada: User) -> None:
    page = client.get(f"{LIST}add/").content.decode()
    assert page.count('type="checkbox" name="scopes"') == len(scopes.ALL)
    make(client, ada, scopes=[scopes.MODELS_READ], allowed_models=" b \r\n\r\na\na")
    key = ApiKey.objects.get()
    assert (key.scopes, key.allowed_models) == ([scopes.MODELS_READ], ["a", "b"])
    assert "a\nb</textarea>" in client.get(f"{LIST}{key.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"scopes": ["everything"]}, "everything is not one of the available choices"),
        ({"expires_at_0": "2001-01-01", "expires_at_1": "00:00:00"}, "This moment has passed"),
        ({"expires_at_0": "soon", "expires_at_1": ""}, "Enter a valid"),
        ({"allowed_models": "\n".join(map(str, range(101)))}, "100 are the most"),
        ({"allowed_models": "a" * 101}, "at most 100 characters"),
        ({"name": "a" * 101}, "at most 100 characters"),
        ({"user": "999999"}, "Select a valid choice"),
        ({"user": ""}, "This field is required"),
    ],
)
def test_a_wrong_form_makes_no_key(
    client: Client, ada: User, fields: dict[str, Any], reason: str
) -> None:
    response = client.post(f"{LIST}add/", form(**{"user": ada.pk, **fields}))
    assert reason in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_change_changes_what_may_change_and_shows_no_key(client: Client, ada: User) -> None:
    key, text = api_key_create(user=ada)
    sent = form(user=admin_person("other").pk, name="desk", digest="0", public_id="x")
    response = client.post(f"{LIST}{key.pk}/change/", sent, follow=True)
    assert not KEY_TEXT.search(response.content.decode())
    principal = principal_of_key(text)
    assert (principal.username, principal.key_name) == ("ada", "desk")
    assert ApiKey.objects.get().public_id == key.public_id


def test_a_change_does_not_bring_a_revoked_key_back(client: Client, ada: User) -> None:
    key, _ = api_key_create(user=ada)
    api_key_revoke(key_id=key.id)
    client.post(f"{LIST}{key.pk}/change/", form(revoked_at_0="", revoked_at_1=""))
    assert ApiKey.objects.get().state == "revoked"


def test_selected_keys_are_revoked_and_the_others_not(client: Client, ada: User) -> None:
    keys = [api_key_create(user=ada)[0] for _ in range(3)]
    sent = {"action": "revoke", "_selected_action": [key.pk for key in keys[:2]]}
    response = client.post(LIST, sent, follow=True)
    assert "Keys revoked: 2." in response.content.decode()
    states = [ApiKey.objects.get(pk=key.pk).state for key in keys]
    assert states == ["revoked", "revoked", "active"]


def test_revoking_again_revokes_nothing(client: Client, ada: User) -> None:
    key, _ = api_key_create(user=ada)
    api_key_revoke(key_id=key.id)
    moment = ApiKey.objects.get().revoked_at
    client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})
    assert ApiKey.objects.get().revoked_at == moment


def test_a_name_with_markup_is_shown_as_text(client: Client, ada: User) -> None:
    page = make(client, ada, name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


LIMIT = {"resource": "requests", "window": "day", "amount": "3", "per": "key", "model_name": ""}


def limits_of(*limits: dict[str, str]) -> dict[str, str]:
    """Return what the browser sends for the limits below a new key."""
    sent = {"limits-TOTAL_FORMS": str(len(limits))}
    for index, limit in enumerate(limits):
        sent |= {f"limits-{index}-{name}": value for name, value in limit.items()}
    return sent


def test_networks_are_lines_in_the_form_they_are_kept_in(client: Client, ada: User) -> None:
    make(client, ada, allowed_networks="10.1.2.3/8\r\n::ffff:192.0.2.1\r\n10.0.0.0/8")
    key = ApiKey.objects.get()
    assert key.allowed_networks == ["10.0.0.0/8", "192.0.2.1/32"]
    page = client.get(f"{LIST}{key.pk}/change/").content.decode()
    assert "10.0.0.0/8\n192.0.2.1/32</textarea>" in page


def test_a_line_that_is_no_network_is_named(client: Client, ada: User) -> None:
    response = client.post(f"{LIST}add/", form(user=ada.pk, allowed_networks="localhost"))
    assert "&#x27;localhost&#x27;: expected a network" in response.content.decode()


def test_limits_below_a_key_are_its_own(client: Client, ada: User) -> None:
    found = KEY_TEXT.search(make(client, ada, **limits_of(LIMIT)))
    assert found
    own = [rule for rule in principal_of_key(found[0]).rules if rule.source == "key"]
    assert [(rule.per, rule.resource, rule.amount) for rule in own] == [("key", "requests", 3)]
    assert AuditEvent.objects.filter(action="limit.created", actor="root").count() == 1


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ([LIMIT, {**LIMIT, "amount": "4"}], "Two limits count the same"),
        ([{**LIMIT, "amount": "-1"}], "greater than or equal to 0"),
        ([{**LIMIT, "per": "user"}], "Select a valid choice"),
        ([{**LIMIT, "amount": "much"}, LIMIT], "Enter a number"),
        ([{**LIMIT, "window": "now"}], "Concurrency is counted now"),
    ],
)
def test_wrong_limits_make_no_key(
    client: Client, ada: User, limits: list[dict[str, str]], reason: str
) -> None:
    response = client.post(f"{LIST}add/", form(user=ada.pk, **limits_of(*limits)))
    assert reason in response.content.decode()
    assert not ApiKey.objects.exists()


def test_one_selected_key_is_rotated_and_the_new_one_shown_once(client: Client, ada: User) -> None:
    key, text = api_key_create(user=ada, name="laptop")
    sent = {"action": "rotate", "_selected_action": [key.pk]}
    found = KEY_TEXT.findall(client.post(LIST, sent, follow=True).content.decode())
    assert len(found) == 1
    assert principal_of_key(found[0]).key_name == principal_of_key(text).key_name == "laptop"
    assert ApiKey.objects.get(pk=key.pk).expires_at
    assert not KEY_TEXT.search(client.get(LIST).content.decode())


def test_several_keys_or_a_revoked_one_are_not_rotated(client: Client, ada: User) -> None:
    keys = [api_key_create(user=ada)[0] for _ in range(2)]
    api_key_revoke(key_id=keys[0].id)
    for selected, reason in ((keys, "Select one key"), (keys[:1], "This key is revoked")):
        sent = {"action": "rotate", "_selected_action": [key.pk for key in selected]}
        assert reason in client.post(LIST, sent, follow=True).content.decode()
    assert ApiKey.objects.count() == 2
