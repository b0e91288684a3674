"""Every change of a user, a key, a quota or a model leaves exactly one event that tells of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiKey, AuditEvent, Limit, Plan, User
from accounts.services import (
    api_key_create,
    api_key_revoke,
    api_key_rotate,
    api_key_update,
    key_limits_replace,
)
from accounts.services.limits import Counter, limit_delete, limit_set
from accounts.services.plans import plan_make_default, plan_save, user_plan_assign
from inference.registry.models import Model
from inference.registry.services import model_delete, model_save
from tests.accounts.audit_trail import one_event, trail
from tests.model_rows import WHEEL, model_row
from tests.people import person

pytestmark = pytest.mark.django_db
TOKENS_A_DAY = Counter("tokens", "day", "user")


def told(event: AuditEvent) -> tuple[str, str, Any, Any]:
    return event.action, event.subject_id, event.before, event.after


class TestUsers:
    def test_a_new_one(self) -> None:
        with one_event() as events:
            ada = person("ada", password="canary", email="ada@example.org")
        action, subject, before, after = told(events[0])
        assert (action, subject, before) == ("user.created", str(ada.pk), None)
        assert after["username"] == "ada"
        assert after["is_superuser"] is False
        assert "password" not in after

    @pytest.mark.parametrize(
        ("field", "value", "action"),
        [
            ("email", "ada@example.org", "user.changed"),
            ("username", "lovelace", "user.changed"),
            ("is_active", False, "user.deactivated"),
            ("is_staff", True, "user.permissions_changed"),
            ("is_superuser", True, "user.permissions_changed"),
        ],
    )
    @pytest.mark.parametrize("alone", [True, False])
    def test_a_changed_field(self, field: str, value: object, action: str, alone: bool) -> None:
        ada = person("ada")
        was = getattr(ada, field)
        setattr(ada, field, value)
        with one_event() as events:
            ada.save(**({"update_fields": [field]} if alone else {}))
        assert told(events[0]) == (action, str(ada.pk), {field: was}, {field: value})

    def test_one_who_is_activated_again(self) -> None:
        ada = person("ada", is_active=False)
        ada.is_active = True
        with one_event() as events:
            ada.save()
        assert events[0].action == "user.activated"

    def test_what_is_not_written_is_not_told(self) -> None:
        ada = person("ada")
        ada.email, ada.first_name = "ada@example.org", "Ada"
        with one_event() as events:
            ada.save(update_fields=["email"])
        assert events[0].after == {"email": "ada@example.org"}

    def test_several_kinds_of_change_at_once_are_one_event_each(self) -> None:
        ada = person("ada")
        ada.email, ada.first_name, ada.is_active = "ada@example.org", "Ada", False
        with trail() as events:
            ada.save()
        actions = {event.action: set(event.after or {}) for event in events}
        assert actions == {
            "user.changed": {"email", "first_name"},
            "user.deactivated": {"is_active"},
        }

    def test_a_new_password_is_told_and_what_it_is_is_not(self) -> None:
        ada = person("ada", password="one")
        ada.set_password("other")
        with one_event() as events:
            ada.save()
        after = {"password": "changed"}
        assert told(events[0]) == ("user.password_changed", str(ada.pk), {"password": None}, after)

    def test_the_same_password_under_a_newer_hash_is_no_change(self, settings: Settings) -> None:
        ada = person("ada", password="one")
        settings.PASSWORD_HASHERS = [
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            *settings.PASSWORD_HASHERS,
        ]
        with trail() as events:
            assert ada.check_password("one")
        assert User.objects.get().password.startswith("pbkdf2")
        assert events == []

    def test_a_password_that_is_taken_away_is_a_change(self) -> None:
        ada = person("ada", password="one")
        ada.set_unusable_password()
        with one_event() as events:
            ada.save(update_fields=["password"])
        assert events[0].action == "user.password_changed"

    def test_a_sign_in_is_no_change(self) -> None:
        ada = person("ada")
        with trail() as events:
            Client().force_login(ada)
        assert User.objects.get().last_login
        assert events == []

    def test_a_plan(self) -> None:
        ada, plan = person("ada"), Plan.objects.create(name="gold")
        with one_event() as events:
            user_plan_assign(user=ada, plan=plan)
        expected = ("user.plan_assigned", str(ada.pk), {"plan": None}, {"plan": "gold"})
        assert told(events[0]) == expected
        with one_event() as events:
            ada.plan_id = None
            ada.save(update_fields=["plan_id"])
        assert told(events[0])[2:] == ({"plan": "gold"}, {"plan": None})

    @pytest.mark.parametrize("way", ["row", "rows"])
    def test_a_deleted_one_and_all_that_goes_with_them(self, way: str) -> None:
        ada = person("ada")
        key, _ = api_key_create(user=ada, name="laptop")
        limit_set(owner=ada, counter=TOKENS_A_DAY, amount=Decimal(5))
        limit_set(owner=key, counter=TOKENS_A_DAY, amount=Decimal(4))
        with trail() as events:
            if way == "row":
                ada.delete()
            else:
                User.objects.filter(username="ada").delete()
        assert sorted(event.action for event in events) == [
            "api_key.deleted",
            "limit.deleted",
            "limit.deleted",
            "user.deleted",
        ]
        assert {event.subject for event in events} == {
            "ada",
            f"laptop ({key.public_id})",
            "5 tokens a day, per user (user ada)",
            f"4 tokens a day, per user (key laptop ({key.public_id}))",
        }

    def test_a_change_that_is_undone_leaves_no_event(self) -> None:
        with trail() as events, transaction.atomic():
            person("ada")
            transaction.set_rollback(True)
        assert events == []


class TestKeys:
    def test_a_new_one(self) -> None:
        ada = person("ada")
        with one_event() as events:
            key, _ = api_key_create(user=ada, name="laptop", scope=["generate"])
        action, subject, before, after = told(events[0])
        assert (action, subject, before) == ("api_key.created", str(key.pk), None)
        assert (after["user"], after["name"], after["scopes"]) == ("ada", "laptop", ["generate"])
        assert "digest" not in after

    def test_a_changed_one(self) -> None:
        key, _ = api_key_create(user=person("ada"), name="laptop")
        with one_event() as events:
            api_key_update(key=key, fields={"name": "desk", "store_bodies": True})
        expected = ("api_key.changed", str(key.pk), {"name": "laptop"}, {"name": "desk"})
        assert told(events[0]) == expected

    def test_one_that_is_saved_as_it_was(self) -> None:
        key, _ = api_key_create(user=person("ada"), name="laptop")
        with trail() as events:
            api_key_update(key=key, fields={"name": "laptop"})
        assert events == []

    def test_a_revoked_one_once(self) -> None:
        key, _ = api_key_create(user=person("ada"))
        with one_event() as events:
            assert api_key_revoke(key_id=key.pk)
            assert not api_key_revoke(key_id=key.pk)
        assert events[0].action == "api_key.revoked"
        assert events[0].before == {"revoked_at": None}
        moment = ApiKey.objects.get().revoked_at
        assert moment
        assert events[0].after == {"revoked_at": moment.isoformat()}

    def test_a_rotated_one_and_the_one_that_takes_its_place(self) -> None:
        key, _ = api_key_create(user=person("ada"), name="laptop")
        with trail() as events:
            new, _ = api_key_rotate(key_id=key.pk, grace=timedelta(hours=1))
        rotated, created = events
        assert (rotated.action, rotated.subject_id) == ("api_key.rotated", str(key.pk))
        assert rotated.before == {"expires_at": None}
        assert (created.action, created.subject_id) == ("api_key.created", str(new.pk))

    def test_its_limits_one_by_one(self) -> None:
        key, _ = api_key_create(user=person("ada"))
        per_day = Limit(per="key", resource="tokens", window="day", amount=Decimal(5))
        per_hour = Limit(per="key", resource="tokens", window="hour", amount=Decimal(2))
        more_per_day = Limit(per="key", resource="tokens", window="day", amount=Decimal(9))
        with trail() as events:
            key_limits_replace(key=key, limits=[per_day, per_hour])
        assert [event.action for event in events] == ["limit.created", "limit.created"]
        with trail() as events:
            key_limits_replace(key=key, limits=[more_per_day])
        assert {event.action: (event.before or {}).get("amount") for event in events} == {
            "limit.deleted": "2",
            "limit.changed": "5",
        }
        with trail() as events:
            key_limits_replace(key=key, limits=[more_per_day])
        assert events == []


class TestQuotas:
    def test_a_limit_that_is_set_changed_and_deleted(self) -> None:
        with one_event() as events:
            limit = limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal(5))
        assert events[0].action == "limit.created"
        assert events[0].subject == "5 tokens a day, per user (platform)"
        with one_event() as events:
            limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal(7))
        expected = ("limit.changed", str(limit.pk), {"amount": "5"}, {"amount": "7"})
        assert told(events[0]) == expected
        with trail() as events:
            limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal("7.000"))
        assert events == []
        limit = Limit.objects.get()
        with one_event() as events:
            limit_delete(limit=limit)
        assert (events[0].action, events[0].after) == ("limit.deleted", None)
        assert (events[0].before or {})["amount"] == "7"

    def test_a_plan_that_is_made_changed_and_deleted(self) -> None:
        plan = Plan(name="gold")
        with one_event() as events:
            plan_save(plan=plan)
        assert events[0].action == "plan.created"
        plan.description = "for friends"
        with one_event() as events:
            plan_save(plan=plan)
        assert told(events[0])[2:] == ({"description": ""}, {"description": "for friends"})
        person("ada", plan=plan)
        with one_event() as events:
            plan.delete()
        assert events[0].action == "plan.deleted"
        assert (events[0].before or {})["users"] == 1

    def test_a_default_that_is_handed_on(self) -> None:
        old = Plan.objects.create(name="old", is_default=True)
        new = Plan.objects.create(name="new")
        with trail() as events:
            assert plan_make_default(plan=new)
            assert not plan_make_default(plan=new)
        assert [told(event) for event in events] == [
            ("plan.changed", str(old.pk), {"is_default": True}, {"is_default": False}),
            ("plan.changed", str(new.pk), {"is_default": False}, {"is_default": True}),
        ]
        assert list(Plan.objects.filter(is_default=True)) == [new]


class TestModels:
    def test_a_new_one(self) -> None:
        with one_event() as events:
            model = model_save(model=Model(), fields={"name": "tiny", "source": WHEEL})
        action, subject, before, after = told(events[0])
        assert (action, subject, before) == ("model.created", str(model.pk), None)
        assert (after["name"], after["source"]) == ("tiny", WHEEL)

    def test_a_changed_one(self) -> None:
        model = model_row(price_prompt=Decimal("0.5"))
        with one_event() as events:
            model_save(model=model, fields={"price_prompt": Decimal(2), "slots": model.slots})
        expected = ("model.changed", str(model.pk), {"price_prompt": "0.5"}, {"price_prompt": "2"})
        assert told(events[0]) == expected

    @pytest.mark.parametrize(("enabled", "action"), [(True, "enabled"), (False, "disabled")])
    def test_one_that_is_switched(self, enabled: bool, action: str) -> None:
        model = model_row(enabled=not enabled)
        with one_event() as events:
            model_save(model=model, fields={"enabled": enabled})
        assert events[0].action == f"model.{action}"

    def test_a_default_that_is_handed_on(self) -> None:
        old, new = model_row("old", is_default=True), model_row("new")
        with trail() as events:
            model_save(model=new, fields={"is_default": True})
        assert [told(event) for event in events] == [
            ("model.changed", str(old.pk), {"is_default": True}, {"is_default": False}),
            ("model.changed", str(new.pk), {"is_default": False}, {"is_default": True}),
        ]

    def test_a_deleted_one(self) -> None:
        model = model_row()
        number = str(model.pk)
        with one_event() as events:
            model_delete(model=model)
        assert (events[0].action, events[0].subject_id) == ("model.deleted", number)
        assert (events[0].before or {})["name"] == "tiny"


def test_rows_that_were_read_before_others_changed_them_tell_the_truth() -> None:
    model = model_row(slots=4)
    stale = Model.objects.get()
    model_save(model=model, fields={"slots": 6})
    with one_event() as events:
        model_save(model=stale, fields={"max_queue": 7})
    assert events[0].after == {"max_queue": 7}


def test_a_hash_that_was_set_by_hand_is_a_change_and_is_not_told() -> None:
    ada = person("ada", password="one")
    ada.password = make_password("other")
    with one_event() as events:
        ada.save()
    assert events[0].after == {"password": "changed"}


def test_times_are_told_with_their_zone() -> None:
    end = timezone.now() + timedelta(days=1)
    with one_event() as events:
        api_key_create(user=User.objects.bulk_create([User(username="ada")])[0], expires_at=end)
    assert (events[0].after or {})["expires_at"] == end.isoformat()
