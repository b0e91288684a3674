"""Keys that end soon, limits that are used up, jobs that end: each told of once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiKey, Limit, User
from aiplatform.request_ids import new_request_id
from aiplatform.store import blocking_store
from inference.gateway.history import entries_write
from inference.jobs.events import job_ended
from inference.jobs.models import Job, Status
from inference.jobs.webhooks.models import Delivery, Event
from inference.jobs.webhooks.notices import keys_expiring_tell, quotas_tell
from inference.jobs.webhooks.services import events, events_purge, webhook_emit
from inference.jobs.webhooks.services.events import MAX_DATA_BYTES
from tests.gateway.entries import entry
from tests.jobs.webhooks.hooks import endpoint_of
from tests.people import key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
URL = "https://hooks.example/"


@pytest.fixture
def ada(db: None) -> User:
    ada = person("ada")
    endpoint_of(ada, URL)
    return ada


def told() -> list[dict[str, Any]]:
    """Return the data of every event, oldest first."""
    return list(Event.objects.order_by("id").values_list("data", flat=True))


def test_a_key_that_ends_within_a_week_is_told_of_once(ada: User) -> None:
    soon = timezone.now() + timedelta(days=6)
    key = row_of(key_of(ada, name="laptop", expires_at=soon))
    key_of(ada, expires_at=timezone.now() + timedelta(days=8))
    key_of(ada, expires_at=timezone.now() - timedelta(seconds=1))
    key_of(ada)
    key_of(person("eve"), expires_at=soon)  # who asked for nothing
    assert [keys_expiring_tell() for _ in range(2)] == [1, 0]
    (data,) = told()
    assert (data["key_id"], data["name"]) == (key.id, "laptop")
    assert data["expires_at"] == soon.isoformat()


def test_a_key_that_was_prolonged_ends_once_more(ada: User) -> None:
    key_of(ada, expires_at=timezone.now() + timedelta(days=1))
    assert keys_expiring_tell() == 1
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(days=2))
    assert keys_expiring_tell() == 1


def limit(amount: int, **fields: Any) -> None:
    whole = {"resource": "tokens", "window": "day", **fields}
    Limit.objects.create(amount=Decimal(amount), **whole)


def used_by(user: User, tokens: int, **fields: Any) -> None:
    """Write a request into the history, which counters are loaded from."""
    made = entry(user_id=user.id, charged_requests=1, charged_tokens=tokens, **fields)
    made.counted_at = int(made.created_at.timestamp() * 1000)
    entries_write([made])
    blocking_store().flushall()


@pytest.mark.django_db(transaction=True)
def test_each_threshold_of_a_limit_is_told_of_once_a_window(ada: User) -> None:
    limit(100, user=ada)
    limit(100, user=ada, window="minute")  # which is there to be reached
    used_by(ada, 79)
    assert quotas_tell() == 0
    used_by(ada, 1)
    assert [quotas_tell() for _ in range(2)] == [1, 0]
    used_by(ada, 30)
    assert [quotas_tell() for _ in range(2)] == [1, 0]
    first, second = told()
    assert (first["percent"], first["used"], first["limit"]) == (80, 80, 100)
    assert (second["percent"], second["used"]) == (100, 110)
    assert (first["resource"], first["window"], first["key_id"]) == ("tokens", "day", None)


@pytest.mark.django_db(transaction=True)
def test_the_limits_of_a_key_are_told_of_too_and_those_of_others_are_not(ada: User) -> None:
    key, eve = row_of(key_of(ada)), person("eve")
    limit(100, api_key=key, per="key")
    limit(100, user=eve)
    limit(10, per="model", model_name="tiny")  # what everybody uses together
    used_by(ada, 90, api_key_id=key.id, model_name="tiny")
    used_by(eve, 100)
    assert quotas_tell() == 1
    assert [(data["key_id"], data["percent"]) for data in told()] == [(key.id, 80)]


def job(user: User, status: Status) -> Job:
    now = timezone.now()
    moments = {"created_at": now, "available_at": now, "deadline_at": now, "ended_at": now}
    fields = {"user": user, "kind": "generate/text", "model_name": "tiny", "status": status}
    return Job.objects.create(id=new_request_id(), came_with_key=False, **fields, **moments)


def test_a_job_that_ends_is_told_of_once_and_without_its_texts(ada: User) -> None:
    done, failed = job(ada, Status.COMPLETED), job(ada, Status.FAILED)
    for one in (done, failed, job(ada, Status.CANCELLED), done):
        job_ended(one)
    happened = Event.objects.order_by("id")
    assert [(event.type, event.data["task_id"]) for event in happened] == [
        ("job.completed", str(done.id)),
        ("job.failed", str(failed.id)),
    ]
    assert happened[0].data["url"] == f"/api/v1/tasks/{done.id}"
    assert not {"body", "result", "text"} & set(happened[0].data)


def test_what_does_not_exist_or_is_too_large_is_told_to_nobody(ada: User) -> None:
    with pytest.raises(ValueError, match="unknown event type"):
        webhook_emit(ada.pk, "job.exploded", {})
    with pytest.raises(ValueError, match="more than"):
        webhook_emit(ada.pk, "job.completed", {"text": "a" * MAX_DATA_BYTES})
    assert not Event.objects.exists()


def test_old_events_go_in_chunks_with_their_deliveries(
    ada: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_LOG_DAYS = 30
    monkeypatch.setattr(events, "CHUNK_ROWS", 2)
    for _ in range(5):
        webhook_emit(ada.pk, "job.completed", {})
    Event.objects.update(created_at=timezone.now() - timedelta(days=31))
    webhook_emit(ada.pk, "job.failed", {})
    assert events_purge() == 5
    assert [event.type for event in Event.objects.all()] == ["job.failed"]
    assert Delivery.objects.count() == 1
