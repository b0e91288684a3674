"""Old history goes in chunks; what is young, and everything where 0 days are set, stays."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from aiplatform.request_ids import new_request_id
from inference.gateway.models import Request, RequestBody, Status
from inference.jobs import history
from inference.jobs.history import history_purge
from inference.jobs.tasks import purge_history

pytestmark = pytest.mark.django_db


def _row(age_days: float) -> Request:
    row = Request.objects.create(
        id=new_request_id(),
        created_at=timezone.now() - timedelta(days=age_days),
        username="alice",
        door="native",
        status=Status.COMPLETED,
        duration_ms=1.0,
    )
    RequestBody.objects.create(request=row, prompt="hello", completion="world")
    return row


def test_rows_and_bodies_over_the_age_go_and_younger_ones_stay(settings: Settings) -> None:
    settings.HISTORY_RETENTION_DAYS = 90
    _row(91)
    _row(1000)
    young = _row(89)
    assert history_purge() == 2
    assert list(Request.objects.all()) == [young]
    assert list(RequestBody.objects.values_list("request_id", flat=True)) == [young.id]


def test_zero_days_keep_everything(settings: Settings) -> None:
    settings.HISTORY_RETENTION_DAYS = 0
    _row(36_000)
    assert history_purge() == 0
    assert Request.objects.count() == 1


def test_more_rows_than_a_chunk_go_chunk_by_chunk(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(history, "CHUNK_ROWS", 3)
    for _ in range(7):
        _row(10)
    with django_assert_num_queries(3 * 3 + 1):  # ids, bodies, rows; then nothing is found
        assert history_purge(older_than_days=5) == 7


def test_the_task_and_the_command_do_the_same(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.HISTORY_RETENTION_DAYS = 5
    _row(10)
    purge_history()
    assert not Request.objects.exists()
    _row(3)
    call_command("purge", "--days", "2")
    assert "1 requests deleted" in capsys.readouterr().out


@pytest.mark.parametrize("days", ["0", "-1", "36501"])
def test_days_out_of_bounds_are_refused(days: str) -> None:
    with pytest.raises(CommandError, match="from 1 to 36500"):
        call_command("purge", f"--days={days}")
