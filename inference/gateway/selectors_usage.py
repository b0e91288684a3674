"""Reads of usage: sums of days, which stay when the requests are purged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Sum

from inference.gateway.models import UsageDay
from inference.gateway.usage_days import SUMS

# By what usage can be told apart, and the column that says it.
GROUPS: Final = {
    "day": "day",
    "model": "model_name",
    "key": "api_key_id",
    "user": "user_id",
}


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Whose usage is wanted, of what and when; what is left empty excludes none."""

    since: date
    until: date  # inclusive
    user_id: int | None = None  # None: everybody's
    key_id: int | None = None
    model_name: str = ""


def usage_sums(
    *, wanted: UsageFilter, group_by: Sequence[str], limit: int
) -> list[dict[str, Any]] | None:
    """Return a dictionary a group, of GROUPS' columns and the sums; None: over `limit` groups.

    Newest day first, then by model, key and user.
    """
    columns = [GROUPS[name] for name in GROUPS if name in group_by]
    # Without a column SQL has one group, of nothing at all where no row is.
    rows = UsageDay.objects.filter(**_conditions(wanted)).order_by(*map(_order, columns))
    sums = {f"sum_{name}": Sum(name) for name in SUMS}
    groups = list(rows.values(*columns).annotate(**sums)[: limit + 1])
    if len(groups) > limit:
        return None
    return [_group(columns, group) for group in groups]


def _conditions(wanted: UsageFilter) -> dict[str, Any]:
    optional = {
        "user_id": wanted.user_id,
        "api_key_id": wanted.key_id,
        "model_name": wanted.model_name or None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {"day__gte": wanted.since, "day__lte": wanted.until, **given}


def _order(column: str) -> str:
    return "-day" if column == "day" else column


def _group(columns: Sequence[str], row: dict[str, Any]) -> dict[str, Any]:
    # PostgreSQL sums whole numbers to decimals.
    sums = {name: int(row[f"sum_{name}"]) for name in SUMS}
    return {**{column: row[column] for column in columns}, **sums}
