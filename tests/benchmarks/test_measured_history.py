"""The long history that is measured fits the tables as they are now, and agrees with itself."""

import pytest
from django.db.models import Sum

from benchmarks.history_rows import fill
from inference.gateway.models import Request, UsageDay

ROWS = 2_000


@pytest.mark.django_db
def test_a_long_history_has_every_row_and_its_usage() -> None:
    filled = fill(ROWS)
    assert Request.objects.count() == ROWS
    assert Request.objects.filter(id=filled.deep, user__username="long").exists()
    for column in ("charged_tokens", "charged_images", "cost_nano"):
        of_days = UsageDay.objects.aggregate(sum=Sum(column))
        assert of_days == Request.objects.aggregate(sum=Sum(column))
    assert UsageDay.objects.aggregate(sum=Sum("requests"))["sum"] == ROWS
