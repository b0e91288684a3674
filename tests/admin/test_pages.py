"""Every page of the admin opens for an admin and for nobody else."""

import uuid
from typing import Final

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Limit, Plan
from inference.gateway.models import Request, RequestBody, UsageDay
from inference.jobs.models import Batch, File, Job, PeriodicTask
from inference.jobs.webhooks.services import endpoint_create, webhook_test
from tests.model_rows import model_row
from tests.people import admin_person, key_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]

REQUEST_ID: Final = uuid.UUID("01890000-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def rows(db: None) -> None:
    """One of each thing that has a page."""
    user = person("ada")
    key_of(user, name="laptop")
    model = model_row()
    request = Request.objects.create(
        id=REQUEST_ID,
        created_at=timezone.now(),
        user=user,
        api_key=ApiKey.objects.get(),
        model=model,
        username="ada",
        model_name="tiny",
        door="chat",
        status="completed",
        duration_ms=12.5,
    )
    RequestBody.objects.create(request=request, prompt="hello", completion="hi")
    url, subscribed = "https://hooks.example/", ["job.completed"]
    endpoint, _ = endpoint_create(user_id=user.pk, url=url, events=subscribed)
    webhook_test(endpoint=endpoint)
    now = timezone.now()
    moments = {"created_at": now, "available_at": now, "deadline_at": now}
    Job.objects.create(
        id=REQUEST_ID, user=user, came_with_key=False, kind="generate/text", **moments
    )
    moments = {"created_at": now, "expires_at": now}
    Batch.objects.create(
        id=REQUEST_ID, user=user, came_with_key=False, input_file_id=REQUEST_ID, **moments
    )
    File.objects.create(id=REQUEST_ID, user=user, purpose="batch", bytes=1, **moments)
    PeriodicTask.objects.create(name="purge", outcome="done", ended_at=now, duration_ms=1)
    UsageDay.objects.create(day=timezone.now().date(), user_id=user.pk, model_name="tiny")
    plan = Plan.objects.create(name="gold")
    Limit.objects.create(plan=plan, resource="requests", window="day", amount=10)


def pages() -> list[str]:
    found = ["/admin/"]
    for model in (one for one in admin.site._registry if one._meta.app_label != "auth"):
        found.append(f"/admin/{model._meta.app_label}/{model._meta.model_name}/")
    return sorted(found)


PAGES: Final = pages()


def test_users_keys_models_and_history_each_have_a_page() -> None:
    names = ("accounts/user", "accounts/apikey", "registry/model", "gateway/request")
    assert {f"/admin/{name}/" for name in names} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_list_opens_for_an_admin(page: str) -> None:
    client = Client()
    client.force_login(admin_person())
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_row_and_the_form_for_a_new_one_open(page: str) -> None:
    client = Client()
    client.force_login(admin_person())
    if page == "/admin/":
        return
    app, name = page.strip("/").split("/")[1:]
    model = next(
        one
        for one in admin.site._registry
        if (one._meta.app_label, one._meta.model_name) == (app, name)
    )
    row = model._default_manager.first()
    assert row is not None
    assert client.get(f"{page}{row.pk}/change/").status_code == 200
    read_only = {"request", "auditevent", "usageday", "endpoint", "delivery"}
    read_only |= {"job", "batch", "file", "periodictask"}
    expected = 403 if name in read_only else 200
    assert client.get(f"{page}add/").status_code == expected


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["nobody", "a user", "a user who may sign in"])
def test_a_list_opens_for_nobody_else(page: str, who: str) -> None:
    client = Client()
    if who != "nobody":
        client.force_login(person("eve", is_staff="sign in" in who))
    response = client.get(page)
    if who == "a user who may sign in" and page == "/admin/":
        assert b"permission to view or edit anything" in response.content
    else:
        assert response.status_code in {302, 403}


def test_a_key_opens_no_page() -> None:
    client = Client(headers={"Authorization": f"Bearer {key_of(admin_person())}"})
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        "accounts/apikey/?q=laptop",
        "accounts/apikey/?state=active",
        "accounts/user/?q=ada",
        "registry/model/?q=tiny&enabled__exact=1",
        "accounts/plan/?q=gold",
        "accounts/limit/?owner=plan&q=gold",
        "accounts/auditevent/?action=api_key.created",
        "gateway/request/?q=ada",
        "gateway/request/?q=tiny",
        f"gateway/request/?q={REQUEST_ID}",
        "gateway/request/?status__exact=completed",
    ],
)
def test_what_is_looked_for_is_found(query: str) -> None:
    client = Client()
    client.force_login(admin_person())
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == 1


@pytest.mark.parametrize(
    "query",
    [
        "accounts/apikey/?q=nothing",
        "accounts/apikey/?state=revoked",
        "accounts/apikey/?state=expired",
        "accounts/limit/?owner=user",
        "accounts/auditevent/?q=nobody",
        "gateway/request/?q=nobody",
        "gateway/request/?q=' OR 1=1 --",
        "gateway/request/?status__exact=failed",
    ],
)
def test_what_is_not_there_is_not_found(query: str) -> None:
    client = Client()
    client.force_login(admin_person())
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == 0
