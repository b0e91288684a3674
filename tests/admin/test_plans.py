"""Plans, limits and who is on which, in the admin."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from accounts.limit_rules import rules_of
from accounts.models import AuditEvent, Limit, Plan, User
from accounts.services import api_key_create
from accounts.services.limits import Counter, limit_set
from tests.accounts.audit_trail import one_event, trail
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
PLANS = "/admin/accounts/plan/"
LIMITS = "/admin/accounts/limit/"
USERS = "/admin/accounts/user/"
TOKENS_A_DAY = Counter("tokens", "day", "user")


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def line(**fields: Any) -> dict[str, Any]:
    """Return what the browser sends for a limit: 5 tokens a day for each user."""
    plain = {"resource": "tokens", "window": "day", "amount": "5", "per": "user", "model_name": ""}
    return {**plain, **fields}


def lines(*limits: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    """Return the limits of a page, the first `stored` of them there already."""
    sent = {"limits-TOTAL_FORMS": len(limits), "limits-INITIAL_FORMS": stored}
    for number, limit in enumerate(limits):
        sent |= {f"limits-{number}-{name}": value for name, value in limit.items()}
    return sent


def user_form(user: User, **fields: Any) -> dict[str, Any]:
    """Return what the browser sends for a user who stays as they are."""
    plain = {
        "username": user.username,
        "email": user.email,
        "plan": user.plan_id or "",
        "date_joined_0": user.date_joined.date().isoformat(),
        "date_joined_1": user.date_joined.time().isoformat(),
        "is_active": "on",
    }
    return {**plain, **lines(), **fields}


def saved(client: Client, address: str, sent: dict[str, Any]) -> None:
    """Send a form and see that it was taken."""
    response = client.post(address, sent)
    assert response.status_code == 302, response.context["errors"]


class TestPlans:
    def test_more_limits_than_a_page_takes_are_not_even_read(self, client: Client) -> None:
        sent = {"name": "gold", "weight": "1", **lines(line()), "limits-TOTAL_FORMS": 100_000_000}
        response = client.post(f"{PLANS}add/", sent)
        (inline,) = response.context["inline_admin_formsets"]
        assert len(inline.formset.forms) == 100
        assert "100" in str(inline.formset.non_form_errors())
        assert not Plan.objects.filter(name="gold").exists()

    def test_one_is_added_with_its_limits(self, client: Client) -> None:
        limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal(9))  # another's, not in the way
        sent = {
            "name": "gold",
            "weight": "1",
            "description": "",
            **lines(line(), line(window="hour")),
        }
        with trail() as events:
            saved(client, f"{PLANS}add/", sent)
        actions = [event.action for event in events]
        assert actions == ["plan.created", "limit.created", "limit.created"]
        assert {event.actor for event in events} == {"root"}
        assert Limit.objects.filter(plan__name="gold").count() == 2

    def test_its_limits_are_changed_and_deleted(self, client: Client) -> None:
        plan = Plan.objects.create(name="gold")
        day = limit_set(owner=plan, counter=TOKENS_A_DAY, amount=Decimal(5))
        hour = limit_set(owner=plan, counter=Counter("tokens", "hour", "user"), amount=Decimal(2))
        sent = lines(
            line(id=day.pk, plan=plan.pk, amount="7"),
            line(id=hour.pk, plan=plan.pk, window="hour", amount="2", DELETE="on"),
            stored=2,
        )
        with trail() as events:
            saved(client, f"{PLANS}{plan.pk}/change/", {"name": "gold", "weight": "1", **sent})
        assert {event.action: event.after for event in events} == {
            "limit.deleted": None,
            "limit.changed": {"amount": "7"},
        }
        assert [limit.amount for limit in plan.limits.all()] == [7]

    def test_two_limits_on_the_same_are_refused(self, client: Client) -> None:
        response = client.post(
            f"{PLANS}add/", {"name": "gold", "weight": "1", **lines(line(), line(amount="6"))}
        )
        assert "Two limits count the same" in response.content.decode()
        assert not Plan.objects.exists()

    def test_a_limit_that_came_between_is_told_and_nothing_is_saved(self, client: Client) -> None:
        plan = Plan.objects.create(name="gold")
        limit_set(owner=plan, counter=TOKENS_A_DAY, amount=Decimal(5))
        sent = {
            "name": "silver",
            "weight": "1",
            **lines(line()),
        }  # sent from a page that does not show it yet
        with trail() as events:
            page = client.post(f"{PLANS}{plan.pk}/change/", sent).content.decode()
        assert "There is a limit on the same already" in page
        assert events == []
        assert Plan.objects.get().name == "gold"

    def test_what_the_database_refuses_at_the_last_moment_is_told(self, client: Client) -> None:
        plan = Plan.objects.create(name="gold")
        refuse = "BEGIN SELECT RAISE(ABORT, 'somebody was quicker'); END"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TRIGGER quicker BEFORE INSERT ON accounts_limit {refuse}")
        sent = {"name": "silver", "weight": "1", **lines(line())}
        with trail() as events:
            page = client.post(f"{PLANS}{plan.pk}/change/", sent, follow=True).content.decode()
        assert "Nothing was saved: somebody else changed this" in page
        assert events == []
        assert Plan.objects.get().name == "gold"

    def test_the_default_is_handed_on(self, client: Client) -> None:
        old = Plan.objects.create(name="old", is_default=True)
        new = Plan.objects.create(name="new")
        limit_set(owner=new, counter=TOKENS_A_DAY, amount=Decimal(5))
        ada = person("ada")
        assert rules_of(ada, None) == ()
        sent = {"action": "make_default", "_selected_action": [new.pk]}
        page = client.post(PLANS, sent, follow=True).content.decode()
        assert "The plan new is the default now." in page
        assert [rule.source for rule in rules_of(ada, None)] == ["plan new"]
        old.refresh_from_db()
        assert not old.is_default
        page = client.post(PLANS, sent, follow=True).content.decode()
        assert "The plan new is the default already." in page

    def test_two_cannot_be_the_default(self, client: Client) -> None:
        plans = [Plan.objects.create(name=name) for name in ("a", "b")]
        sent = {"action": "make_default", "_selected_action": [plan.pk for plan in plans]}
        assert "Select one plan" in client.post(PLANS, sent, follow=True).content.decode()
        assert not Plan.objects.filter(is_default=True).exists()

    def test_the_default_is_not_deleted_in_any_way(self, client: Client) -> None:
        plan = Plan.objects.create(name="old", is_default=True)
        assert client.post(f"{PLANS}{plan.pk}/delete/", {"post": "yes"}).status_code == 403
        sent = {"action": "delete_selected", "_selected_action": [plan.pk], "post": "yes"}
        client.post(PLANS, sent)
        assert Plan.objects.exists()

    def test_another_is_deleted_and_its_users_are_on_the_default(self, client: Client) -> None:
        plan = Plan.objects.create(name="gold")
        limit_set(owner=plan, counter=TOKENS_A_DAY, amount=Decimal(5))
        ada = person("ada", plan=plan)
        sent = {"action": "delete_selected", "_selected_action": [plan.pk], "post": "yes"}
        with trail() as events:
            client.post(PLANS, sent)
        assert {event.action for event in events} == {"plan.deleted", "limit.deleted"}
        ada.refresh_from_db()
        assert ada.plan is None


class TestLimits:
    def test_the_platform_gets_one(self, client: Client) -> None:
        with one_event() as events:
            saved(client, f"{LIMITS}add/", line(user=""))
        assert events[0].subject == "5 tokens a day, per user (platform)"

    def test_a_user_gets_one(self, client: Client) -> None:
        ada = person("ada")
        saved(client, f"{LIMITS}add/", line(user=ada.pk))
        assert [rule.source for rule in rules_of(ada, None)] == ["user"]

    def test_a_second_on_the_same_is_refused_with_the_reason(self, client: Client) -> None:
        limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal(4))
        page = client.post(f"{LIMITS}add/", line(user="", amount="5")).content.decode()
        assert "There is a limit on the same already" in page
        assert Limit.objects.count() == 1

    def test_one_is_changed_and_keeps_its_owner(self, client: Client) -> None:
        ada, eve = person("ada"), person("eve")
        limit = limit_set(owner=ada, counter=TOKENS_A_DAY, amount=Decimal(4))
        with one_event() as events:
            saved(client, f"{LIMITS}{limit.pk}/change/", line(user=eve.pk, amount="9"))
        assert events[0].after == {"amount": "9"}
        limit.refresh_from_db()
        assert limit.user == ada
        assert limit.amount == 9

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"amount": "-1"}, "greater than or equal to 0"),
            ({"amount": "1.5"}, "Give a whole number"),
            ({"amount": "1e400"}, "no more than"),
            ({"amount": ""}, "This field is required"),
            ({"window": "now"}, "Concurrency is counted now"),
            ({"resource": "concurrency"}, "Concurrency is counted now"),
            ({"resource": "everything"}, "Select a valid choice"),
            ({"user": "999999"}, "Select a valid choice"),
        ],
    )
    def test_a_wrong_one_is_refused_with_the_reason(
        self, client: Client, fields: dict[str, str], reason: str
    ) -> None:
        response = client.post(f"{LIMITS}add/", line(**{"user": "", **fields}))
        assert reason in response.content.decode()
        assert not Limit.objects.exists()

    def test_the_list_tells_how_much_for_whom(self, client: Client) -> None:
        limit_set(owner=person("ada"), counter=TOKENS_A_DAY, amount=Decimal(1_000_000))
        limit_set(owner=None, counter=Counter("cost", "month", "user"), amount=Decimal("12.5"))
        page = client.get(LIMITS).content.decode()
        for text in (">1,000,000<", ">12.5<", ">user ada<", ">platform<"):
            assert text in page
        for owner, count in (("platform", 1), ("user", 1), ("plan", 0), ("key", 0), ("x", 2)):
            found = client.get(f"{LIMITS}?owner={owner}").context["cl"].result_list
            assert len(found) == count, owner


class TestUsers:
    def test_a_user_is_put_on_a_plan(self, client: Client) -> None:
        ada, plan = person("ada"), Plan.objects.create(name="gold")
        with one_event() as events:
            saved(client, f"{USERS}{ada.pk}/change/", user_form(ada, plan=plan.pk))
        assert (events[0].action, events[0].after) == ("user.plan_assigned", {"plan": "gold"})

    def test_a_user_gets_limits_of_their_own(self, client: Client) -> None:
        ada = person("ada")
        with one_event() as events:
            saved(client, f"{USERS}{ada.pk}/change/", {**user_form(ada), **lines(line())})
        assert events[0].subject == "5 tokens a day, per user (user ada)"

    def test_groups_are_permissions(self, client: Client) -> None:
        ada, group = person("ada"), Group.objects.create(name="helpers")
        with one_event() as events:
            saved(client, f"{USERS}{ada.pk}/change/", user_form(ada, groups=[group.pk]))
        event = events[0]
        assert event.action == "user.permissions_changed"
        assert (event.before, event.after) == ({"groups": []}, {"groups": ["helpers"]})

    def test_a_user_is_deactivated(self, client: Client) -> None:
        ada = person("ada")
        sent = user_form(ada)
        del sent["is_active"]
        with one_event() as events:
            saved(client, f"{USERS}{ada.pk}/change/", sent)
        assert events[0].action == "user.deactivated"

    def test_saving_what_did_not_change_leaves_no_event(self, client: Client) -> None:
        ada = person("ada")
        with trail() as events:
            saved(client, f"{USERS}{ada.pk}/change/", user_form(ada))
        assert events == []

    def test_the_page_says_what_deleting_keeps(self, client: Client) -> None:
        page = client.get(f"{USERS}{person('ada').pk}/change/").content.decode()
        assert "the audit trail stay, under their name" in page

    @pytest.mark.parametrize("way", ["page", "action"])
    def test_one_with_everything_attached_is_deleted(self, client: Client, way: str) -> None:
        plan = Plan.objects.create(name="gold")
        ada = person("ada", plan=plan, is_staff=True)
        ada.groups.add(Group.objects.create(name="helpers"))
        key, _ = api_key_create(user=ada, name="laptop")
        api_key_create(user=ada, rotated_from=key)
        for owner in (ada, key):
            limit_set(owner=owner, counter=TOKENS_A_DAY, amount=Decimal(5))
        with trail() as events:
            if way == "page":
                client.post(f"{USERS}{ada.pk}/delete/", {"post": "yes"})
            else:
                sent = {"action": "delete_selected", "_selected_action": [ada.pk], "post": "yes"}
                client.post(USERS, sent)
        assert not User.objects.filter(username="ada").exists()
        assert sorted(event.action for event in events) == [
            *["api_key.deleted"] * 2,
            *["limit.deleted"] * 2,
            "user.deleted",
        ]
        assert {event.actor for event in events} == {"root"}
        assert AuditEvent.objects.filter(action="user.created", subject="ada").exists()
        assert LogEntry.objects.filter(object_repr="ada").exists()
