"""A list asked for what cannot be answers as Django does to other bad lookups, never with 500."""

from typing import Final

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client

from tests.people import admin_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]

# One moment of each list's rows.
LISTS: Final = {
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/": field.name
    for model in admin.site._registry
    for field in model._meta.concrete_fields
    if isinstance(field, models.DateField)
}
NO_MOMENTS: Final = [
    ("year", "0"),
    ("year", "-1"),
    ("year", "99999"),
    ("year__gt", "10000"),
    ("year__lte", "99999999999999999999999"),
    ("year", "x"),
    ("month", "x"),
    ("gte", "0000-01-01"),
    ("gte", "2026-13-45"),
    ("lt", "never"),
]
NO_ROWS: Final = [
    ("year", "9998"),
    ("month", "0"),
    ("month", "13"),
    ("day", "0"),
    ("day", "99999999999999999999999"),
]


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def test_every_list_with_a_moment_is_looked_at() -> None:
    assert {"/admin/accounts/auditevent/", "/admin/gateway/usageday/"} <= set(LISTS)


@pytest.mark.parametrize(("page", "field"), LISTS.items())
def test_what_is_no_moment_is_refused(client: Client, page: str, field: str) -> None:
    for lookup, value in NO_MOMENTS:
        answer = client.get(page, {f"{field}__{lookup}": value})
        assert (answer.status_code, answer["Location"]) == (302, f"{page}?e=1"), (lookup, value)


@pytest.mark.parametrize(("page", "field"), LISTS.items())
def test_what_no_row_can_be_is_looked_for_in_vain(client: Client, page: str, field: str) -> None:
    for lookup, value in NO_ROWS:
        answer = client.get(page, {f"{field}__{lookup}": value})
        assert answer.status_code == 200, (lookup, value)
        assert not answer.context["cl"].result_list


def test_an_action_on_such_a_list_is_refused_as_well(client: Client) -> None:
    sent = {"action": "delete_selected", "_selected_action": ["1"]}
    answer = client.post("/admin/accounts/apikey/?created_at__year=0", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/accounts/apikey/?e=1")
