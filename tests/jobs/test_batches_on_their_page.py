"""The page of jobs shows one's newest batches and how far they are."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from inference.jobs.models import Batch, BatchStatus
from tests.people import person

pytestmark = pytest.mark.django_db
PAGE = "/account/jobs"


def batch_of(user: User, **fields: object) -> Batch:
    """Return a batch that ended with the counts that are given."""
    now = timezone.now()
    defaults: dict[str, object] = {
        "id": uuid.uuid4(),
        "came_with_key": False,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "status": BatchStatus.COMPLETED,
        "input_file_id": uuid.uuid4(),
        "created_at": now,
        "expires_at": now + timedelta(hours=24),
        "ended_at": now,
    }
    return Batch.objects.create(user=user, **{**defaults, **fields})


def page_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get(PAGE).content.decode()


def test_ones_own_batches_are_shown_with_their_counts() -> None:
    ada, eve = person("ada"), person("eve")
    batch_of(ada, total=40, completed=30, failed=2)
    shown = page_of(ada)
    assert "32 of 40, 2 failed" in shown
    assert '<progress max="40" value="32"' in shown
    assert "32 of 40" not in page_of(eve)


def test_many_batches_take_no_more_queries_than_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    ada = person("ada")
    for _ in range(12):
        batch_of(ada, total=1, status=BatchStatus.IN_PROGRESS, ended_at=None)
    client = Client()
    client.force_login(ada)
    with django_assert_max_num_queries(8):
        shown = client.get(PAGE).content.decode()
    assert shown.count("<progress") == 10
