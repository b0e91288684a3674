"""What a key may do is settled when it is made."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import scopes
from accounts.models import ApiKey
from accounts.selectors import principal_of_key
from accounts.services import (
    UnknownScope,
    api_key_create,
    api_key_revoke,
    api_key_update,
)
from tests.people import admin_person, key_of, person, row_of

pytestmark = pytest.mark.django_db


def test_a_key_stands_for_its_user() -> None:
    user = person("ada")
    principal = principal_of_key(key_of(user, name="laptop"))
    assert (principal.user_id, principal.username, principal.key_name) == (user.pk, "ada", "laptop")
    assert not principal.is_admin


def test_a_key_of_an_admin_stands_for_an_admin() -> None:
    assert principal_of_key(key_of(admin_person())).is_admin


def test_a_key_may_do_all_but_manage_keys_unless_somebody_says_otherwise() -> None:
    assert principal_of_key(key_of(person())).scopes == scopes.ALL - {scopes.ADMIN}


def test_a_key_with_no_scopes_may_do_nothing() -> None:
    assert principal_of_key(key_of(person(), scope=[])).scopes == frozenset()


def test_an_unknown_scope_is_refused_by_name() -> None:
    with pytest.raises(UnknownScope, match="'generat'"):
        key_of(person(), scope=["generate", "generat"])
    assert not ApiKey.objects.exists()


def test_a_key_without_a_list_of_models_may_use_every_model() -> None:
    principal = principal_of_key(key_of(person()))
    assert principal.may_use_model("anything")


def test_a_key_with_a_list_may_use_only_those_models() -> None:
    principal = principal_of_key(key_of(person(), allowed_models=["tiny"]))
    assert principal.may_use_model("tiny")
    assert not principal.may_use_model("tiny2")


def test_an_unknown_scope_is_refused_on_a_change_too() -> None:
    key, _ = api_key_create(user=person())
    with pytest.raises(UnknownScope):
        api_key_update(key=key, fields={"scopes": ["everything"]})


def test_changing_a_key_does_not_undo_a_revocation_that_came_between() -> None:
    key, _ = api_key_create(user=person())
    api_key_revoke(key_id=key.id)
    api_key_update(key=key, fields={"name": "new"})
    key.refresh_from_db()
    assert (key.name, key.state) == ("new", "revoked")


def test_what_makes_a_key_a_key_cannot_be_changed() -> None:
    key, text = api_key_create(user=person())
    api_key_update(key=key, fields={"digest": "0" * 64, "user_id": 0})
    assert row_of(text).digest == key.digest


def test_active_keys_are_those_neither_revoked_nor_expired() -> None:
    user = person()
    past, future = (timezone.now() + timedelta(hours=sign) for sign in (-1, 1))
    working = [api_key_create(user=user, expires_at=end)[0] for end in (None, future)]
    api_key_create(user=user, expires_at=past)
    api_key_revoke(key_id=api_key_create(user=user)[0].id)
    assert set(ApiKey.objects.active()) == set(working)
    states = sorted(key.state for key in ApiKey.objects.all())
    assert states == ["active", "active", "expired", "revoked"]
