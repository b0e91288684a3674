"""When a key was last used is noted at most once a minute."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services import api_keys_touch
from tests.people import key_of, person, row_of

pytestmark = pytest.mark.django_db
NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def key() -> ApiKey:
    return row_of(key_of(person()))


def touch(key: ApiKey, seconds: float) -> None:
    api_keys_touch(used={key.id: NOON + timedelta(seconds=seconds)})
    key.refresh_from_db()


def test_a_fresh_key_was_never_used(key: ApiKey) -> None:
    assert key.last_used_at is None


def test_the_first_use_is_noted(key: ApiKey) -> None:
    touch(key, 0)
    assert key.last_used_at == NOON


@pytest.mark.parametrize(("seconds", "noted"), [(1, False), (59.9, False), (60, True), (90, True)])
def test_a_further_use_is_noted_after_a_minute(key: ApiKey, seconds: float, noted: bool) -> None:
    touch(key, 0)
    touch(key, seconds)
    assert (key.last_used_at != NOON) is noted


def test_an_older_use_that_arrives_late_changes_nothing(key: ApiKey) -> None:
    touch(key, 300)
    touch(key, 0)
    assert key.last_used_at == NOON + timedelta(seconds=300)


def test_noting_is_one_statement_a_key_so_that_no_two_can_both_do_it(key: ApiKey) -> None:
    with CaptureQueriesContext(connection) as queries:
        touch_only = {key.id: NOON}
        api_keys_touch(used=touch_only)
    assert [query["sql"].split()[0] for query in queries] == ["UPDATE"]


def test_a_key_that_is_gone_is_passed_over(key: ApiKey) -> None:
    api_keys_touch(used={key.id + 1: NOON, key.id: NOON})
    key.refresh_from_db()
    assert key.last_used_at == NOON
