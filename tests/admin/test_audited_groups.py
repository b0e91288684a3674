"""What a group may do, and who takes or gives it, is in the audit trail as a user's rights are."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from tests.accounts.audit_trail import one_event, trail
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
LIST = "/admin/auth/group/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def permission(name: str) -> Permission:
    return Permission.objects.get(codename=name)


def group_with(*names: str) -> Group:
    group = Group.objects.create(name="helpers")
    group.permissions.set(map(permission, names))
    return group


def save(client: Client, group: Group, name: str, *permissions: str) -> None:
    sent = {"name": name, "permissions": [permission(one).pk for one in permissions]}
    answer = client.post(f"{LIST}{group.pk}/change/", sent)
    assert answer.status_code == 302, answer.context["errors"]


def test_permissions_that_are_given_and_taken_are_one_event(client: Client) -> None:
    group = group_with("view_user", "view_plan")
    with one_event() as events:
        save(client, group, "helpers", "view_plan", "change_plan")
    event = events[0]
    assert (event.action, event.subject, event.actor) == (
        "group.permissions_changed",
        "helpers",
        "root",
    )
    view_plan, change_plan = str(permission("view_plan")), str(permission("change_plan"))
    assert event.before == {"permissions": sorted([view_plan, str(permission("view_user"))])}
    assert event.after == {"permissions": sorted([view_plan, change_plan])}
    assert event.request_id


def test_every_permission_there_is_can_be_told(client: Client) -> None:
    group = group_with()
    everything = list(Permission.objects.values_list("pk", flat=True))
    with one_event() as events:
        client.post(f"{LIST}{group.pk}/change/", {"name": "helpers", "permissions": everything})
    assert len((events[0].after or {})["permissions"]) == len(everything)
    assert (events[0].after or {})["permissions"][-1] == max(map(str, Permission.objects.all()))


def test_a_new_name_is_one_event(client: Client) -> None:
    group = group_with("view_user")
    with one_event() as events:
        save(client, group, "friends", "view_user")
    assert events[0].action == "group.changed"
    assert (events[0].before, events[0].after) == ({"name": "helpers"}, {"name": "friends"})


def test_a_group_that_is_saved_as_it_was_leaves_none(client: Client) -> None:
    group = group_with("view_user")
    with trail() as events:
        save(client, group, "helpers", "view_user")
    assert events == []


def test_a_new_group_is_told_and_then_what_it_may_do(client: Client) -> None:
    sent = {"name": "helpers", "permissions": [permission("view_user").pk]}
    with trail() as events:
        client.post(f"{LIST}add/", sent)
    assert [event.action for event in events] == ["group.created", "group.permissions_changed"]
    assert events[0].after == {"name": "helpers"}
    assert events[1].before == {"permissions": []}


@pytest.mark.parametrize("way", ["page", "list"])
def test_a_deleted_group_is_told_with_what_its_users_lose(client: Client, way: str) -> None:
    group = group_with("view_user")
    group.user_set.set([person("ada"), person("eve")])
    with one_event() as events:
        if way == "page":
            client.post(f"{LIST}{group.pk}/delete/", {"post": "yes"})
        else:
            sent = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
            client.post(LIST, sent)
    assert not Group.objects.exists()
    event = events[0]
    assert (event.action, event.after) == ("group.deleted", None)
    expected = {"name": "helpers", "users": 2, "permissions": [str(permission("view_user"))]}
    assert event.before == expected


def test_a_users_groups_and_permissions_are_told(client: Client) -> None:
    ada, group = person("ada"), group_with()
    page = f"/admin/accounts/user/{ada.pk}/change/"
    form = client.get(page).context["adminform"].form
    sent = {name: value for name, value in form.initial.items() if value is not None}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00", "groups": [group.pk]}
    sent |= {"limits-TOTAL_FORMS": 0, "limits-INITIAL_FORMS": 0}
    with one_event() as events:
        answer = client.post(page, sent)
    assert answer.status_code == 302, answer.context["errors"]
    assert (events[0].action, events[0].after) == (
        "user.permissions_changed",
        {"groups": ["helpers"]},
    )
