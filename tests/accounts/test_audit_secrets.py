"""No secret is ever in the audit trail, whatever is changed and whoever calls `audit`."""

from datetime import timedelta

import pytest
from django.core import serializers
from django.test import Client

from accounts import key_format
from accounts.audit import audit
from accounts.audit_fields import KINDS, MAX_ITEMS, MAX_TEXT
from accounts.models import AuditEvent, User
from accounts.services import api_key_create, api_key_rotate, api_key_update
from inference.registry.services import model_save
from tests.accounts.audit_trail import one_event
from tests.model_rows import model_row
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
CANARY = "canary-in-the-coal-mine"

# Columns that say nothing of a change, or must never be told.
UNTOLD = {
    "accounts.user": {"id", "last_login", "date_joined"},
    "accounts.apikey": {"id", "digest", "created_at", "last_used_at"},
    "accounts.plan": {"id", "created_at"},
    "accounts.limit": {"id"},
    "auth.group": {"id"},
    "registry.model": {"id", "created_at", "updated_at"},
    "webhooks.endpoint": {
        *("id", "url", "secret", "old_secret", "old_secret_until", "rotations"),
        *("failing_since", "created_at"),
    },
}


def whole_trail() -> str:
    return str(serializers.serialize("json", AuditEvent.objects.all()))


def test_passwords_and_keys_leave_no_trace_but_that_they_changed() -> None:
    ada = person("ada", password=CANARY)
    hashes = [ada.password]
    ada.set_password(f"{CANARY} again")
    ada.save()
    hashes.append(ada.password)
    key, text = api_key_create(user=ada, name="laptop")
    api_key_update(key=key, fields={"name": "desk", "digest": CANARY})
    new, new_text = api_key_rotate(key_id=key.pk, grace=timedelta(0))
    ada.delete()
    told = whole_trail()
    assert "user.deleted" in told
    for secret in (CANARY, *hashes, key.digest, new.digest, text, new_text):
        assert secret not in told
    for shown in (text, new_text):
        parts = key_format.parse(shown)
        assert parts
        assert parts.secret not in told


def test_a_password_that_is_typed_into_the_admin_leaves_none() -> None:
    client, ada = Client(), person("ada", password="one")
    client.force_login(admin_person())
    sent = {"password1": CANARY, "password2": CANARY, "usable_password": "true"}
    client.post("/admin/accounts/user/add/", {"username": "eve", **sent})
    client.post(f"/admin/accounts/user/{ada.pk}/password/", sent)
    told = whole_trail()
    assert User.objects.get(username="eve").check_password(CANARY)
    assert User.objects.get(username="ada").check_password(CANARY)
    assert told.count("user.password_changed") == 1
    assert CANARY not in told
    assert User.objects.get(username="eve").password not in told


@pytest.mark.parametrize("field", ["digest", "password", "secret", "token", "text", "nonsense"])
def test_what_is_not_on_the_list_is_left_out_even_if_it_is_passed(field: str) -> None:
    key, _ = api_key_create(user=person())
    with one_event() as events:
        audit("api_key.changed", key, before={field: CANARY}, after={field: CANARY, "name": "x"})
    assert CANARY not in whole_trail()
    assert (events[0].before, events[0].after) == ({}, {"name": "x"})


def test_a_password_that_is_passed_is_told_as_changed_alone() -> None:
    ada = person()
    with one_event() as events:
        audit("user.changed", ada, before={"password": CANARY}, after={"password": CANARY})
    assert events[0].after == {"password": "changed"}
    assert CANARY not in whole_trail()


def test_every_column_is_either_told_or_left_out_on_purpose() -> None:
    from django.apps import apps

    for label, kind in KINDS.items():
        columns = {field.name for field in apps.get_model(label)._meta.concrete_fields}
        assert columns == UNTOLD[label] | (kind.fields & columns), label
        assert not UNTOLD[label] & kind.fields


def test_texts_and_lists_are_bounded() -> None:
    key, _ = api_key_create(user=person())
    with one_event() as events:
        api_key_update(key=key, fields={"allowed_models": ["m" * 10_000] * 10_000})
    models = (events[0].after or {})["allowed_models"]
    assert models[MAX_ITEMS:] == ["… (10000 in all)"]
    assert models[0] == "m" * MAX_TEXT + "… (10000 characters in all)"


def test_a_change_behind_the_bound_is_still_a_change() -> None:
    model = model_row(shared_prompts=["a" * MAX_TEXT + "b"])
    with one_event():
        model_save(model=model, fields={"shared_prompts": ["a" * MAX_TEXT + "c"]})
