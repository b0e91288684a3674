"""Reads of the history. Each takes a bounded time, however long the history is."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.lookups import Exact

from aiplatform.request_ids import first_request_id
from inference.gateway.models import Request

# Rows that one page looks at, at most. A filter that few rows pass would otherwise read all of a
# long history; an index for every set of filters would make each request pay for them.
MAX_EXAMINED: Final = 5_000
# A request's id is made shortly before its row's time is taken, so that a span of times is a span
# of ids, give or take this. The row's own time then decides.
_ID_EARLIER_MS: Final = 60_000
_ID_LATER_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests are wanted; what is left empty excludes none."""

    user_id: int | None = None  # None: everybody's
    key_id: int | None = None
    model_name: str = ""
    status: str = ""
    door: str = ""
    finish_reason: str = ""
    since: datetime | None = None
    until: datetime | None = None  # exclusive
    before: uuid.UUID | None = None  # a page's place: ids below this one


@dataclass(frozen=True, slots=True)
class RequestPage:
    """Requests, newest first."""

    requests: list[Request]
    following: uuid.UUID | None  # `before` of the next page; None: there is none


def requests_page(*, wanted: RequestFilter, limit: int) -> RequestPage:
    """Return at most `limit` requests that pass the filter.

    A page may be shorter, even empty, and yet have one that follows: MAX_EXAMINED rows were looked
    at. What was asked and answered, and what the limits said, is not read.
    """
    conditions = _conditions(wanted)
    oldest = _oldest_examined(wanted) if conditions else None
    rows = _span(wanted, oldest or _first_id(wanted))
    found = list(rows.filter(*conditions).defer("admission")[: limit + 1])
    page = found[:limit]
    return RequestPage(page, page[-1].id if len(found) > limit else oldest)


def request_find(*, request_id: uuid.UUID, user_id: int | None) -> Request | None:
    """Return one request of a user, or of anybody where there is none; its body comes with it."""
    owner = {} if user_id is None else {"user_id": user_id}
    return Request.objects.select_related("body").filter(id=request_id, **owner).first()


def _span(wanted: RequestFilter, first: uuid.UUID | None) -> "QuerySet[Request]":
    """Return the rows that one index gives in order: a key's, a user's or all, by id.

    An index takes one bound on either side; by a second one each row would be looked at.
    """
    rows = Request.objects.order_by("-id")
    if wanted.key_id is not None:
        rows = rows.filter(api_key_id=wanted.key_id)
    elif wanted.user_id is not None:
        rows = rows.filter(user_id=wanted.user_id)
    if first is not None:
        rows = rows.filter(id__gte=first)
    end = _end_id(wanted)
    return rows if end is None else rows.filter(id__lt=end)


def _first_id(wanted: RequestFilter) -> uuid.UUID | None:
    if wanted.since is None:
        return None
    return first_request_id(_milliseconds(wanted.since) - _ID_EARLIER_MS)


def _end_id(wanted: RequestFilter) -> uuid.UUID | None:
    if wanted.until is None:
        return wanted.before
    end = first_request_id(_milliseconds(wanted.until) + _ID_LATER_MS)
    return end if wanted.before is None else min(end, wanted.before)


def _oldest_examined(wanted: RequestFilter) -> uuid.UUID | None:
    """Return the last id that is looked at, or None where the span ends before."""
    # Read from the index alone: thousands of entries take less than a millisecond.
    ids = _span(wanted, _first_id(wanted)).values_list("id", flat=True)
    return ids[MAX_EXAMINED - 1 : MAX_EXAMINED].first()


def _conditions(wanted: RequestFilter) -> list[Any]:
    """Return what each row of the span is looked at for."""
    plain = {
        "model_name": wanted.model_name,
        "status": wanted.status,
        "door": wanted.door,
        "finish_reason": wanted.finish_reason,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
    }
    conditions: list[Any] = [Q(**{name: value}) for name, value in plain.items() if value]
    if wanted.key_id is not None and wanted.user_id is not None:
        conditions.append(_of_user(wanted.user_id))
    return conditions


def _of_user(user_id: int) -> Exact:
    """Return the condition in a form that has no index: the span is of the key's index."""
    unindexed = ExpressionWrapper(F("user_id") + 0, output_field=BigIntegerField())
    return Exact(unindexed, user_id)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
