"""An event names who made the change: the caller, the person at the admin, the command."""

import asyncio
import json
from io import StringIO

import httpx
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.actor import Actor, acting, current_actor
from accounts.models import User
from accounts.tokens import tokens_issue
from inference.registry.models import Model
from tests.accounts.audit_trail import one_event, trail
from tests.live_web import LiveWeb, StartWeb
from tests.model_rows import WHEEL, model_row
from tests.people import admin_person, caller, key_of, person, row_of

CALLERS = ("ada", "eve", "root")
ROUNDS = 15


async def test_callers_at_once_over_shared_connections_are_never_mixed(
    start_web: StartWeb,
) -> None:
    with start_web() as web:
        web.sql("UPDATE accounts_user SET is_superuser = 1")
        # Fewer connections than requests: one follows the other in the context of the one before.
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=4)
        async with web.async_client(None, limits=limits) as client:
            sent = [(who, number) for number in range(ROUNDS) for who in CALLERS]
            answers = await asyncio.gather(*(_change(client, web, *one) for one in sent))
        events = web.sql("SELECT * FROM accounts_auditevent WHERE action = 'model.changed'")
    assert len(events) == len(sent)
    by_text = {json.loads(event["after"])["description"]: event for event in events}
    for (who, number), request_id in zip(sent, answers, strict=True):
        event = by_text[f"{who} {number}"]
        assert event["actor"] == who
        assert event["request_id"] == request_id.replace("-", "")
        assert event["address"] == "127.0.0.1"
        assert event["key_id"]


async def _change(client: httpx.AsyncClient, web: LiveWeb, who: str, number: int) -> str:
    """Change a model as `who`; return the id of the request."""
    answer = await client.patch(
        "/api/v1/models/other",
        json={"description": f"{who} {number}"},
        headers={"Authorization": f"Bearer {web.keys[who]}"},
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.headers["x-request-id"]


class TestActing:
    def test_nobody_in_particular_is_the_platform(self) -> None:
        assert current_actor() == Actor("platform")

    def test_it_ends_with_its_block_whatever_happens(self) -> None:
        with pytest.raises(CommandError), acting("command one"):
            _fail_inside()
        assert current_actor().name == "platform"

    def test_a_request_without_credentials_is_nobody_from_somewhere(self) -> None:
        request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.7")
        request.user = AnonymousUser()
        with acting(request):
            assert current_actor() == Actor("nobody", address="192.0.2.7")

    def test_an_address_of_any_length_fits(self, settings: Settings) -> None:
        settings.TRUST_PROXY_HEADERS = True
        request = RequestFactory().post("/", headers={"X-Forwarded-For": "9" * 1000})
        with acting(request):
            assert len(current_actor().address) == 45


def _fail_inside() -> None:
    with acting("command two"):
        assert current_actor().name == "command two"
        raise CommandError


@pytest.mark.django_db
class TestDoors:
    @pytest.mark.usefixtures("store_away")
    def test_a_caller_of_the_api_is_named_with_their_key(self) -> None:
        root = admin_person()
        key = key_of(root)
        model_row()
        with one_event() as events:
            answer = caller(key).patch(
                "/api/v1/models/tiny", {"slots": 5}, content_type="application/json"
            )
        event = events[0]
        assert (event.actor, event.actor_id, event.key_id) == ("root", root.pk, row_of(key).pk)
        assert str(event.request_id) == answer["X-Request-Id"]
        assert event.address == "127.0.0.1"

    @pytest.mark.usefixtures("store_away")
    def test_a_person_at_the_admin_is_named_without_a_key(self) -> None:
        root, model = admin_person(), model_row()
        client = Client()
        client.force_login(root)
        sent = {"action": "disable", "_selected_action": [model.pk]}
        with one_event() as events:
            client.post("/admin/registry/model/", sent)
        event = events[0]
        assert (event.actor, event.actor_id, event.key_id) == ("root", root.pk, None)
        assert event.request_id
        assert event.address == "127.0.0.1"

    @pytest.mark.usefixtures("store_away")
    def test_a_person_with_a_token_is_named_without_a_key(self) -> None:
        root = admin_person()
        model_row()
        with one_event() as events:
            caller(tokens_issue(user=root).access).patch(
                "/api/v1/models/tiny", {"slots": 5}, content_type="application/json"
            )
        assert (events[0].actor_id, events[0].key_id) == (root.pk, None)

    @pytest.mark.usefixtures("store")
    def test_a_stranger_who_signs_up_is_nobody_from_somewhere(self, settings: Settings) -> None:
        settings.SIGN_UP_ENABLED = True
        sent = {"username": "ada", "password": "canary in the coal mine"}
        with one_event() as events:
            answer = Client().post("/api/v1/auth/sign-up", sent, content_type="application/json")
        assert answer.status_code == 201, answer.content
        event = events[0]
        assert (event.action, event.subject, event.actor) == ("user.created", "ada", "nobody")
        assert (event.address, str(event.request_id)) == ("127.0.0.1", answer["X-Request-Id"])

    def test_after_a_request_nobody_acts(self) -> None:
        caller(key_of(admin_person())).get("/api/v1/models")
        assert current_actor() == Actor("platform")


@pytest.mark.django_db
class TestCommands:
    def test_createkey(self) -> None:
        person("ada")
        with one_event() as events:
            call_command("createkey", "ada", stdout=StringIO())
        assert (events[0].actor, events[0].action) == ("command createkey", "api_key.created")

    def test_createsuperuser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "long-enough-for-anyone")
        with one_event() as events:
            call_command(
                "createsuperuser", username="root", email="r@example.org", interactive=False,
                stdout=StringIO(),
            )  # fmt: skip
        assert (events[0].actor, events[0].action) == ("command createsuperuser", "user.created")
        assert User.objects.get().is_superuser

    def test_changepassword(self, monkeypatch: pytest.MonkeyPatch) -> None:
        person("ada", password="one")
        monkeypatch.setattr("getpass.getpass", lambda prompt: "long-enough-for-anyone")
        with one_event() as events:
            call_command("changepassword", "ada", stdout=StringIO())
        assert events[0].actor == "command changepassword"
        assert events[0].action == "user.password_changed"

    def test_models_add(self) -> None:
        with one_event() as events:
            call_command("models", "add", "tiny", "--source", WHEEL, stdout=StringIO())
        assert (events[0].actor, events[0].action) == ("command models", "model.created")
        assert Model.objects.exists()

    def test_quota(self) -> None:
        with trail() as events:
            for doing in (["--amount", "5"], ["--amount", "6"], ["--delete"]):
                arguments = ["--platform", "--resource", "requests", "--window", "day", *doing]
                call_command("quota", *arguments, stdout=StringIO())
        assert {event.actor for event in events} == {"command quota"}
        actions = [event.action for event in events]
        assert actions == ["limit.created", "limit.changed", "limit.deleted"]
