"""Models in the admin: how they are, and the switches."""

from typing import Any

import pytest
import redis
from django.test import Client

from inference.registry.directory import Replica, announce
from inference.registry.models import Model
from tests.model_rows import WHEEL, model_row
from tests.people import admin_person

pytestmark = pytest.mark.django_db
LIST = "/admin/registry/model/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def form(**fields: Any) -> dict[str, Any]:
    """Return what the browser sends for an enabled model named `tiny`."""
    plain = {
        "name": "tiny",
        "task": "chat",
        "source": WHEEL,
        "dtype": "bfloat16",
        "device": "auto",
        "context_length": "2048",
        "max_output_tokens": "2048",
        "slots": "32",
        "max_queue": "256",
        "threads": "0",
        "default_temperature": 1,
        "price_prompt": "0.15",
        "price_completion": "0.6",
        "price_image": "0.01",
        "shared_prompts": "[]",
        "default_top_p": 1,
        "enabled": "on",
    }
    return {**plain, **fields}


def act(client: Client, action: str, *models: Model) -> str:
    """Run an action on `models` and return the page that follows."""
    sent = {"action": action, "_selected_action": [model.pk for model in models]}
    return client.post(LIST, sent, follow=True).content.decode()


def test_the_list_shows_how_each_model_is(client: Client, store: redis.Redis) -> None:
    model_row("tiny")
    model_row("off", enabled=False)
    announce(
        store,
        Replica(
            id="one", model="tiny", address="unix:/x", state="loading", progress=0.5, running=4
        ),
    )
    page = client.get(LIST).content.decode()
    assert ">loading 50%</b>" in page
    assert ">disabled</b>" in page
    assert '<td class="field-requests">4</td>' in page


def test_a_model_shows_its_replicas(client: Client, store: redis.Redis) -> None:
    row = model_row()
    announce(
        store,
        Replica(id="host-1", model="tiny", address="unix:/x", state="failed", detail="no <memory>"),
    )
    page = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "host-1: failed" in page
    assert "no &lt;memory&gt;" in page


def test_without_the_store_the_pages_open(client: Client, store_away: None) -> None:
    row = model_row()
    assert "unknown" in client.get(LIST).content.decode()
    assert "unknown" in client.get(f"{LIST}{row.pk}/change/").content.decode()


@pytest.mark.usefixtures("store_away")
class TestSwitches:
    def test_models_are_disabled_and_enabled(self, client: Client) -> None:
        rows = [model_row("a"), model_row("b")]
        assert "Changed: a, b." in act(client, "disable", *rows)
        assert not Model.objects.filter(enabled=True).exists()
        act(client, "enable", *rows)
        assert Model.objects.filter(enabled=True).count() == 2

    def test_the_default_is_handed_on(self, client: Client) -> None:
        model_row("old", is_default=True)
        act(client, "make_default", model_row("new"))
        assert Model.objects.get(is_default=True).name == "new"

    def test_the_default_is_not_disabled_and_the_reason_is_told(self, client: Client) -> None:
        row = model_row(is_default=True)
        assert "A disabled model cannot be the default" in act(client, "disable", row)
        assert Model.objects.get().enabled

    def test_a_model_that_has_gone_bad_is_not_enabled(self, client: Client) -> None:
        row = model_row(source="path:/nowhere/at/all", enabled=False)
        assert "is not a directory" in act(client, "enable", row)
        assert not Model.objects.get().enabled


@pytest.mark.usefixtures("store_away")
class TestForm:
    def test_a_model_is_added(self, client: Client) -> None:
        response = client.post(f"{LIST}add/", form(slots="7"), follow=True)
        assert "was added successfully" in response.content.decode()
        assert Model.objects.get(name="tiny").slots == 7

    def test_a_model_is_added_as_the_default_in_place_of_another(self, client: Client) -> None:
        model_row("old", is_default=True)
        client.post(f"{LIST}add/", form(is_default="on"))
        assert Model.objects.get(is_default=True).name == "tiny"

    def test_a_model_is_changed_and_keeps_its_name(self, client: Client) -> None:
        row = model_row()
        client.post(f"{LIST}{row.pk}/change/", form(name="other", slots="7"))
        row.refresh_from_db()
        assert (row.name, row.slots) == ("tiny", 7)

    def test_a_model_is_deleted(self, client: Client) -> None:
        row = model_row()
        client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
        assert not Model.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"source": "nonsense"}, "a source is"),
            ({"source": "path:/nowhere/at/all"}, "is not a directory"),
            ({"max_output_tokens": "4096"}, "cannot be longer than context_length"),
            ({"threads": "1024"}, "0 means all of them"),
            ({"device": "gpu"}, "Give auto, cpu, cuda, or one card as in cuda:1."),
            ({"device": "cuda", "dtype": "int8"}, "Weights in int8 are for the CPU"),
            ({"slots": "0"}, "greater than or equal to 1"),
            ({"slots": ""}, "This field is required"),
            ({"context_length": ""}, "This field is required"),
            ({"context_length": "text"}, "Enter a whole number"),
            ({"name": "Not A Name"}, "Use lower-case letters"),
            ({"enabled": "", "is_default": "on"}, "A disabled model cannot be the default"),
        ],
    )
    def test_a_wrong_form_is_refused_with_the_reason(
        self, client: Client, fields: dict[str, str], reason: str
    ) -> None:
        sent = {name: value for name, value in form(**fields).items() if value or name != "enabled"}
        response = client.post(f"{LIST}add/", sent)
        assert response.status_code == 200
        assert reason in response.content.decode()
        assert not Model.objects.exists()
