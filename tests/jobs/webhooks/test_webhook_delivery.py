"""What happens is told to who asked for it: signed, again until it arrives, and not for ever."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from accounts.models import AuditEvent, User
from inference.jobs.webhooks.deliverer import deliver_due
from inference.jobs.webhooks.models import Delivery, Endpoint, Event
from inference.jobs.webhooks.schedule import MAX_ATTEMPTS
from inference.jobs.webhooks.sending import Outcome
from inference.jobs.webhooks.services import (
    deliveries_claim,
    delivery_finish,
    delivery_redeliver,
    endpoint_rotate,
    endpoint_update,
    webhook_emit,
    webhook_test,
)
from inference.jobs.webhooks.services.deliveries import PER_USER
from tests.jobs.webhooks.hooks import days_pass, endpoint_of, seconds_until_due
from tests.jobs.webhooks.receiver import Receiver, answering, receiving
from tests.people import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]


@pytest.fixture(autouse=True)
def allowing(settings: Settings) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = settings.WEBHOOKS_ALLOW_HTTP = True
    settings.WEBHOOKS_TIMEOUT_S = 2


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answering(200)) as running:
        yield running


def test_an_event_arrives_signed_at_who_asked_for_it(ada: User, receiver: Receiver) -> None:
    _, secret = endpoint_of(ada, receiver.url, events=["job.completed"])
    endpoint_of(ada, receiver.url, events=["job.failed"])
    endpoint_of(ada, receiver.url, enabled=False)
    endpoint_of(person("eve"), receiver.url)
    assert webhook_emit(ada.pk, "job.completed", {"id": "ü"}) == 1
    assert deliver_due() == 1
    (received,) = receiver.received
    payload = received.verified_by(secret)
    assert (payload["type"], payload["data"]) == ("job.completed", {"id": "ü"})
    event = Event.objects.get()
    assert payload["timestamp"] == event.created_at.isoformat()
    assert received.headers["webhook-id"] == event.message_id
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.response_code) == ("delivered", 1, 200)
    assert (delivery.answer, delivery.error, delivery.next_attempt_at) == ("thanks", "", None)
    assert delivery.duration_ms is not None
    assert delivery.duration_ms > 0
    assert deliver_due() == 0


def test_what_is_rolled_back_is_told_to_nobody(ada: User, receiver: Receiver) -> None:
    endpoint_of(ada, receiver.url)
    with transaction.atomic():
        webhook_emit(ada.pk, "job.completed", {})
        transaction.set_rollback(True)
    assert deliver_due() == 0
    assert not receiver.received


def test_what_happens_once_is_told_once(ada: User, receiver: Receiver) -> None:
    endpoint_of(ada, receiver.url)
    told = [webhook_emit(ada.pk, "key.expiring", {}, once="key 7") for _ in range(3)]
    assert told == [1, 0, 0]
    deliver_due()
    assert len(receiver.received) == 1


def test_of_a_user_who_may_not_sign_in_nothing_is_told(ada: User, receiver: Receiver) -> None:
    endpoint_of(ada, receiver.url)
    User.objects.update(is_active=False)
    assert webhook_emit(ada.pk, "job.completed", {}) == 0


def test_while_a_secret_is_replaced_either_verifies(ada: User, receiver: Receiver) -> None:
    endpoint, old = endpoint_of(ada, receiver.url)
    new = endpoint_rotate(endpoint=endpoint, overlap=timedelta(hours=1))
    webhook_test(endpoint=endpoint)
    deliver_due()
    assert receiver.received[0].verified_by(old) == receiver.received[0].verified_by(new)
    Endpoint.objects.update(old_secret_until=timezone.now())
    webhook_test(endpoint=endpoint)
    deliver_due()
    assert receiver.received[1].verified_by(new)
    with pytest.raises(WebhookVerificationError):
        receiver.received[1].verified_by(old)


def test_a_receiver_that_fails_twice_gets_the_same_message_a_third_time(ada: User) -> None:
    with receiving(answering(500, 503, 204, text=b"")) as receiver:
        endpoint, secret = endpoint_of(ada, receiver.url)
        delivery = webhook_test(endpoint=endpoint)
        deliver_due()
        assert 3 < seconds_until_due(delivery) <= 6  # 5 s, and a fifth at most
        assert (delivery.status, delivery.response_code) == ("pending", 500)
        assert Endpoint.objects.exclude(failing_since=None).exists()
        assert deliver_due() == 0  # not before its time
        days_pass(1)
        deliver_due()
        assert 290 < seconds_until_due(delivery) <= 360
        days_pass(1)
        deliver_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.next_attempt_at) == ("delivered", 3, None)
    assert not Endpoint.objects.exclude(failing_since=None).exists()
    assert len(set(receiver.ids())) == 1
    assert len(receiver.received) == 3
    for received in receiver.received:
        assert received.verified_by(secret)


def test_after_the_last_attempt_it_has_failed_and_can_be_sent_by_hand(ada: User) -> None:
    with receiving(answering(*[500] * MAX_ATTEMPTS, 200)) as receiver:
        endpoint, _ = endpoint_of(ada, receiver.url)
        delivery = webhook_test(endpoint=endpoint)
        waited = 0.0
        for _ in range(MAX_ATTEMPTS - 1):
            deliver_due()
            waited += seconds_until_due(delivery)
            Delivery.objects.update(next_attempt_at=timezone.now())
        deliver_due()
        delivery.refresh_from_db()
        assert (delivery.status, delivery.next_attempt_at) == ("failed", None)
        assert waited > 24 * 3600
        delivery_redeliver(delivery=delivery)
        deliver_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("delivered", MAX_ATTEMPTS + 1)
    assert len(set(receiver.ids())) == 1


def test_an_endpoint_that_fails_for_days_is_disabled(ada: User) -> None:
    with receiving(answering(500)) as receiver:
        endpoint, _ = endpoint_of(ada, receiver.url)
        webhook_emit(ada.pk, "job.completed", {})
        deliver_due()
        days_pass(4)
        deliver_due()
        endpoint.refresh_from_db()
        assert endpoint.enabled
        webhook_emit(ada.pk, "job.completed", {})
        days_pass(2)
        Delivery.objects.filter(attempts=0).update(next_attempt_at=timezone.now())
        deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
    assert {delivery.status for delivery in Delivery.objects.all()} == {"failed"}
    event = AuditEvent.objects.get(action="webhook.disabled")
    assert (event.actor, event.after) == (
        "platform",
        {"enabled": False, "disabled_reason": "failing"},
    )
    endpoint_update(endpoint=endpoint, fields={"enabled": True})
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_reason) == (None, "")


def test_an_endpoint_that_is_gone_is_disabled_at_once(ada: User) -> None:
    with receiving(answering(410)) as receiver:
        endpoint, _ = endpoint_of(ada, receiver.url)
        webhook_test(endpoint=endpoint)
        deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")


def test_a_secret_that_cannot_be_opened_is_a_failure_that_says_so(
    ada: User, receiver: Receiver, settings: Settings
) -> None:
    endpoint, _ = endpoint_of(ada, receiver.url)
    delivery = webhook_test(endpoint=endpoint)
    settings.SECRET_KEY = "another key of at least thirty-two characters"
    deliver_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error) == ("pending", "secret_unreadable")
    assert not receiver.received


def test_slow_receivers_hold_up_their_owner_alone(ada: User, settings: Settings) -> None:
    settings.WEBHOOKS_TIMEOUT_S = 20
    full = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        if len(laggard.received) == PER_USER:
            full.set()
        laggard.over.wait(30)

    with receiving(slow) as laggard, receiving(answering(200)) as quick:
        slow_one, _ = endpoint_of(person("eve"), laggard.url)
        for _ in range(2 * PER_USER):
            webhook_test(endpoint=slow_one)
        worker = threading.Thread(target=deliver_due)
        worker.start()
        assert full.wait(10)  # all of eve's places are taken
        endpoint, _ = endpoint_of(ada, quick.url)
        webhook_test(endpoint=endpoint)
        deadline = time.monotonic() + 10
        while not quick.received:
            assert time.monotonic() < deadline
            time.sleep(0.01)  # between two looks
        assert worker.is_alive()
        assert len(laggard.received) == PER_USER
        laggard.over.set()
        worker.join(30)


def test_one_process_delivers_at_a_time(ada: User) -> None:
    began = threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        began.set()
        held.over.wait(30)

    with receiving(hold) as held:
        endpoint, _ = endpoint_of(ada, held.url)
        webhook_test(endpoint=endpoint)
        worker = threading.Thread(target=deliver_due)
        worker.start()
        assert began.wait(10)
        assert deliver_due() == 0
        held.over.set()
        worker.join(30)


def test_of_two_that_claim_a_delivery_one_gets_it(ada: User, receiver: Receiver) -> None:
    endpoint, _ = endpoint_of(ada, receiver.url)
    webhook_test(endpoint=endpoint)
    claims = [deliveries_claim(room=5, under_way={}) for _ in range(2)]
    assert [len(one) for one in claims] == [1, 0]


def test_a_delivery_whose_process_died_is_attempted_again_and_counted(
    ada: User, receiver: Receiver
) -> None:
    endpoint, _ = endpoint_of(ada, receiver.url)
    delivery = webhook_test(endpoint=endpoint)
    (lost,) = deliveries_claim(room=1, under_way={})
    assert deliver_due() == 0
    days_pass(Delivery.LEASE.total_seconds() / 86400)
    assert deliver_due() == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("delivered", 2)
    # The one that was thought dead comes too late to say anything.
    delivery_finish(lost, Outcome(error="timed_out"))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error) == ("delivered", "")
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_one_that_cannot_be_sent_ends_no_other(
    ada: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def broken(host: str, *rest: Any, **options: Any) -> Any:
        if host == "broken.example":  # an answer that no address can be made of
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%\r\n", 80, 0, 1))]
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    bad, _ = endpoint_of(ada, "http://broken.example/")
    good, _ = endpoint_of(ada, receiver.url)
    deliveries = [webhook_test(endpoint=one) for one in (bad, good)]
    deliver_due()
    for one in deliveries:
        one.refresh_from_db()
    assert [(one.status, one.error) for one in deliveries] == [
        ("pending", "internal_error"),
        ("delivered", ""),
    ]


def test_an_answer_with_bytes_that_are_no_text_is_kept_as_text(ada: User) -> None:
    with receiving(answering(400, text=b"a\0b\xff")) as receiver:
        endpoint, _ = endpoint_of(ada, receiver.url)
        delivery = webhook_test(endpoint=endpoint)
        deliver_due()
    delivery.refresh_from_db()
    assert delivery.answer == "a\ufffdb\ufffd"
