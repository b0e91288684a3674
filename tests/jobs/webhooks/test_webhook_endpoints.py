"""Endpoints through the API: made, shown, changed, rotated, deleted, by their owner alone."""

from typing import Any, Final

import pytest
from django.test import Client

from accounts import scopes
from accounts.models import AuditEvent, User
from inference.jobs.webhooks.models import Delivery, Endpoint
from inference.jobs.webhooks.services import MAX_ENDPOINTS, webhook_emit
from tests.api.key_management import manager, send
from tests.people import admin_person, caller, key_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
HOOKS: Final = "/api/v1/webhooks"
URL: Final = "https://hooks.example/in?token=hidden"


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def client(ada: User) -> Client:
    return manager(ada)


def make(client: Client, **fields: Any) -> Any:
    return send(client, "post", HOOKS, **{"url": URL, "events": ["job.completed"], **fields})


def test_the_secret_is_shown_once_and_kept_sealed(client: Client) -> None:
    response = make(client, description="mine")
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    made = response.json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert response.headers["location"] == f"{HOOKS}/{made['id']}"
    assert client.get(f"{HOOKS}/{made['id']}").json() == made
    assert client.get(f"{HOOKS}/").json() == {"next": None, "results": [made]}
    kept = bytes(Endpoint.objects.get().secret)
    assert secret.removeprefix("whsec_").encode() not in kept
    assert (made["url"], made["events"], made["enabled"]) == (URL, ["job.completed"], True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"url": None}, "url"),
        ({"url": ""}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://hooks.example/" + "a" * 1000}, "url"),
        ({"url": "https://hooks.example/" + "ü" * 400}, "url"),
        ({"events": []}, "events"),
        ({"events": ["job.exploded"]}, "events[0]"),
        ({"events": "job.completed"}, "events"),
        ({"events": ["job.completed"] * 100}, "events"),
        ({"description": "a" * 201}, "description"),
        ({"enabled": "perhaps"}, "enabled"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(
    client: Client, fields: dict[str, Any], param: str
) -> None:
    response = make(client, **fields)
    assert (response.status_code, response.json()["param"]) == (400, param)
    assert not Endpoint.objects.exists()


def test_one_user_has_so_many_endpoints_at_most(client: Client) -> None:
    for _ in range(MAX_ENDPOINTS):
        assert make(client).status_code == 201
    refused = make(client)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhooks")
    assert make(manager(person("bob"))).status_code == 201


def test_a_change_changes_what_is_named(client: Client, ada: User) -> None:
    made = make(client).json()
    address = f"{HOOKS}/{made['id']}"
    changed = send(client, "patch", address, events=["job.failed", "job.completed", "job.failed"])
    assert changed.json()["events"] == ["job.completed", "job.failed"]
    assert send(client, "patch", address, url="http://hooks.example/").status_code == 400
    assert send(client, "patch", address, url="https://[::1]/").status_code == 400
    assert client.get(address).json()["url"] == URL
    moved = send(client, "patch", address, url="https://HOOKS.example:443/other")
    assert moved.json()["url"] == "https://hooks.example/other"


def test_disabling_gives_up_what_is_to_be_sent(client: Client, ada: User) -> None:
    made = make(client).json()
    assert webhook_emit(ada.pk, "job.completed", {}) == 1
    send(client, "patch", f"{HOOKS}/{made['id']}", enabled=False)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.error) == ("failed", "endpoint_disabled")
    assert webhook_emit(ada.pk, "job.completed", {}) == 0
    send(client, "patch", f"{HOOKS}/{made['id']}", enabled=True)
    assert webhook_emit(ada.pk, "job.completed", {}) == 1


def test_rotating_shows_another_secret(client: Client) -> None:
    made = make(client).json()
    response = send(client, "post", f"{HOOKS}/{made['id']}/rotate", overlap_seconds=60)
    assert response.status_code == 200
    rotated = response.json()
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"]
    at_once = send(client, "post", f"{HOOKS}/{made['id']}/rotate", overlap_seconds=0).json()
    assert at_once["old_secret_until"] is None
    assert Endpoint.objects.get().old_secret is None


@pytest.mark.parametrize("overlap", [-1, 7 * 24 * 3600 + 1, "long", None])
def test_an_overlap_out_of_bounds_is_refused(client: Client, overlap: Any) -> None:
    made = make(client).json()
    response = send(client, "post", f"{HOOKS}/{made['id']}/rotate", overlap_seconds=overlap)
    assert (response.status_code, response.json()["param"]) == (400, "overlap_seconds")


def test_a_test_is_logged_as_a_delivery(client: Client) -> None:
    made = make(client).json()
    sent = client.post(f"{HOOKS}/{made['id']}/test")
    assert (sent.status_code, sent.json()["type"]) == (202, "webhook.test")
    (listed,) = client.get(f"{HOOKS}/{made['id']}/deliveries").json()["results"]
    assert listed == sent.json()
    assert listed["webhook_id"].startswith("msg_")
    send(client, "patch", f"{HOOKS}/{made['id']}", enabled=False)
    assert client.post(f"{HOOKS}/{made['id']}/test").json()["code"] == "webhook_disabled"


def test_what_is_over_is_sent_again_and_what_is_not_is_not(client: Client) -> None:
    made = make(client).json()
    sent = client.post(f"{HOOKS}/{made['id']}/test").json()
    address = f"{HOOKS}/{made['id']}/deliveries/{sent['id']}/redeliver"
    assert client.post(address).json()["code"] == "delivery_not_over"
    Delivery.objects.update(status="failed", attempts=8, next_attempt_at=None)
    again = client.post(address)
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    assert again.json()["webhook_id"] == sent["webhook_id"]


def test_deliveries_are_listed_by_state_in_pages(client: Client) -> None:
    made = make(client).json()
    address = f"{HOOKS}/{made['id']}/deliveries"
    ids = [client.post(f"{HOOKS}/{made['id']}/test").json()["id"] for _ in range(3)]
    Delivery.objects.filter(id=ids[0]).update(status="failed")
    (failed,) = client.get(f"{address}?status=failed").json()["results"]
    assert failed["id"] == ids[0]
    page = client.get(f"{address}?limit=2").json()
    assert [one["id"] for one in page["results"]] == ids[:0:-1]
    rest = client.get(page["next"]).json()
    assert [one["id"] for one in rest["results"]] == ids[:1]
    assert client.get(f"{address}?status=lost").status_code == 400


@pytest.mark.parametrize("who", ["eve", "root"])
def test_nobody_finds_what_is_somebody_elses(client: Client, who: str) -> None:
    made = make(client).json()
    sent = client.post(f"{HOOKS}/{made['id']}/test").json()
    Delivery.objects.update(status="failed")
    other = manager(admin_person() if who == "root" else person("eve"))
    one = f"{HOOKS}/{made['id']}"
    own = make(other).json()
    answers = [
        other.get(one),
        send(other, "patch", one, url="https://evil.example/"),
        other.delete(one),
        send(other, "post", f"{one}/rotate"),
        other.post(f"{one}/test"),
        other.get(f"{one}/deliveries"),
        other.post(f"{one}/deliveries/{sent['id']}/redeliver"),
        # Nor through an endpoint of their own.
        other.post(f"{HOOKS}/{own['id']}/deliveries/{sent['id']}/redeliver"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert [row["id"] for row in other.get(HOOKS).json()["results"]] == [own["id"]]
    assert Endpoint.objects.get(id=made["id"]).url == URL
    assert Delivery.objects.get(id=sent["id"]).status == "failed"


def test_a_key_without_the_scope_manages_none(ada: User) -> None:
    key = caller(key_of(ada, scope=sorted(scopes.ALL - {scopes.ADMIN})))
    assert make(key).status_code == 403
    assert key.get(HOOKS).status_code == 403


def test_every_change_is_in_the_audit_trail_and_no_secret_is(client: Client) -> None:
    made = make(client).json()
    address = f"{HOOKS}/{made['id']}"
    send(client, "patch", address, url="https://hooks.example/moved?token=hidden")
    send(client, "patch", address, events=["job.failed"])
    send(client, "patch", address, enabled=False)
    rotated = send(client, "post", f"{address}/rotate").json()
    client.delete(address)
    events = AuditEvent.objects.filter(subject_type="webhook").order_by("id")
    assert [event.action for event in events] == [
        "webhook.created",
        "webhook.path_changed",
        "webhook.changed",
        "webhook.disabled",
        "webhook.rotated",
        "webhook.deleted",
    ]
    assert {event.actor for event in events} == {"ada"}
    told = " ".join(f"{event} {event.before} {event.after}" for event in events)
    assert "https://hooks.example" in told
    for secret in ("hidden", made["secret"], rotated["secret"]):
        assert secret not in told


def test_an_idempotency_key_makes_one_endpoint(client: Client) -> None:
    headers = {"Idempotency-Key": "make-one-hook"}
    body = {"url": URL, "events": ["job.completed"]}
    answers = [
        client.post(HOOKS, body, content_type="application/json", headers=headers) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert Endpoint.objects.count() == 1
