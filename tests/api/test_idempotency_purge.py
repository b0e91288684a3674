"""Answers whose time is over are deleted in chunks; what is in force stays."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from aiplatform.idempotency import records
from aiplatform.idempotency.records import records_purge
from aiplatform.models import IdempotencyRecord
from inference.jobs.tasks import purge_idempotency_records

pytestmark = pytest.mark.django_db


def _record(name: str, hours: float) -> IdempotencyRecord:
    """Return a record that expires in so many hours."""
    return IdempotencyRecord.objects.create(
        key_digest=name,
        body_digest="",
        holder=uuid.uuid4(),
        expires_at=timezone.now() + timedelta(hours=hours),
        sealed=b"answer",
    )


def test_the_task_deletes_what_has_expired_and_nothing_else() -> None:
    _record("over", -0.01)
    young = _record("young", 1)
    purge_idempotency_records()
    assert list(IdempotencyRecord.objects.all()) == [young]


def test_more_than_a_chunk_goes_chunk_by_chunk(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", 3)
    for number in range(7):
        _record(f"over {number}", -1)
    with django_assert_num_queries(3 * 2 + 1):  # ids and rows; then nothing is found
        assert records_purge(before=timezone.now()) == 7
