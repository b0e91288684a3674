"""Webhooks in the admin: read without secrets, sent again, disabled."""

from typing import Final

import pytest
from django.test import Client

from accounts.models import AuditEvent
from inference.jobs.webhooks.models import Delivery, Endpoint
from inference.jobs.webhooks.services import endpoint_create, webhook_test
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
ENDPOINTS: Final = "/admin/webhooks/endpoint/"
DELIVERIES: Final = "/admin/webhooks/delivery/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


@pytest.fixture
def delivery(db: None) -> Delivery:
    url = "https://hooks.example/sesame/in?token=sesame"
    endpoint, _ = endpoint_create(user_id=person("ada").pk, url=url, events=["job.completed"])
    return webhook_test(endpoint=endpoint)


def test_what_may_be_a_secret_is_on_no_page(client: Client, delivery: Delivery) -> None:
    pages = [
        ENDPOINTS,
        f"{ENDPOINTS}{delivery.endpoint_id}/change/",
        DELIVERIES,
        f"{DELIVERIES}{delivery.pk}/change/",
        f"{DELIVERIES}?q=ada",
    ]
    for page in pages:
        text = client.get(page).content.decode()
        assert "https://hooks.example" in text
        assert "sesame" not in text


def test_nobody_adds_or_changes_one(client: Client, delivery: Delivery) -> None:
    for page in (ENDPOINTS, DELIVERIES):
        assert client.get(f"{page}add/").status_code == 403
    address = f"{ENDPOINTS}{delivery.endpoint_id}/change/"
    assert client.post(address, {"origin": "https://evil.example"}).status_code == 403


def test_what_is_over_is_sent_again(client: Client, delivery: Delivery) -> None:
    sent = {"action": "redeliver", "_selected_action": [delivery.pk]}
    page = client.post(DELIVERIES, sent, follow=True).content.decode()
    assert "still being tried" in page
    assert "Deliveries sent again: 0." in page
    Delivery.objects.update(status="failed", next_attempt_at=None)
    page = client.post(DELIVERIES, sent, follow=True).content.decode()
    assert "Deliveries sent again: 1." in page
    assert Delivery.objects.get().status == "pending"


def test_an_endpoint_is_disabled_and_the_trail_says_by_whom(
    client: Client, delivery: Delivery
) -> None:
    sent = {"action": "disable", "_selected_action": [delivery.endpoint_id]}
    assert "Endpoints disabled: 1." in client.post(ENDPOINTS, sent, follow=True).content.decode()
    assert Endpoint.objects.get().disabled_reason == "admin"
    assert AuditEvent.objects.get(action="webhook.disabled").actor == "root"
    assert Delivery.objects.get().error == "endpoint_disabled"
