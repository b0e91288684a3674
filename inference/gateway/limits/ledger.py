"""The ledger: what the history says that a counter should hold."""

import time
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db.models import F, QuerySet, Sum

from accounts.models import Resource
from aiplatform.request_ids import first_request_id
from inference.gateway.limits.windows import DAY_MS, WINDOWS
from inference.gateway.models import Request, UsageDay

_COLUMNS: Final = {
    Resource.REQUESTS: "charged_requests",
    Resource.TOKENS: "charged_tokens",
    Resource.IMAGES: "charged_images",
    Resource.COST: "cost_nano",
}
# A request is admitted by the store's clock, soon after the web's clock made its id. This is more
# than the two differ anywhere that works.
_CLOCKS_DIFFER_MS: Final = 2 * 3_600_000
# Windows that are made of whole days are summed from the days, which outlive the requests.
_OF_DAYS: Final = frozenset({"month", "total"})


def ledger_read(
    *, subject: str, resource: str, window: str, now_ms: int | None = None
) -> list[tuple[int, int]]:
    """Return moment (ms) and amount of every bucket of a counter. Raises DatabaseError."""
    now = now_ms or int(time.time() * 1000)
    column = _COLUMNS[Resource(resource)]
    reads = _days if window in _OF_DAYS else _requests
    return [(moment, amount) for moment, amount in reads(subject, column, window, now) if amount]


def _days(subject: str, column: str, window: str, now: int) -> list[tuple[int, int]]:
    rows: QuerySet[Any] = UsageDay.objects.filter(**_filters(subject, "api_key_id", "model_name"))
    length = WINDOWS[window].length
    if length:
        first = datetime.fromtimestamp((now - length) / 1000, UTC).date()
        rows = rows.filter(day__gte=first)
    sums = rows.order_by().values_list("day").annotate(amount=Sum(column))
    return [(_day_ms(day), amount) for day, amount in sums]


def _requests(subject: str, column: str, window: str, now: int) -> list[tuple[int, int]]:
    length, bucket = WINDOWS[window]
    oldest = (now - length) // bucket * bucket
    rows = (
        Request.objects.filter(**_filters(subject, "api_key_id", "model_name"))
        .filter(id__gte=first_request_id(oldest - _CLOCKS_DIFFER_MS), counted_at__gte=oldest)
        .order_by()
        .annotate(bucket=F("counted_at") / bucket)
        .values_list("bucket")
        .annotate(amount=Sum(column))
    )
    return [(int(index) * bucket, amount) for index, amount in rows]


def _filters(subject: str, key: str, model: str) -> dict[str, Any]:
    """Return which rows belong to a subject."""
    per, _, rest = subject.partition(":")
    owner, _, name = rest.partition(":")
    found = {
        "user": {"user_id": owner},
        "key": {key: owner},
        "model": {model: rest},
        "user_model": {"user_id": owner, model: name},
        "key_model": {key: owner, model: name},
    }
    return found[per]


def _day_ms(day: date) -> int:
    return (day.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()) * DAY_MS
