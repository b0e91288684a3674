"""Usage by day: sums of the history, written in the transaction that writes its rows."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Final

from django.db import connection

from inference.gateway.entry import Entry
from inference.gateway.models import Status, UsageDay

_KEY: Final = ("user_id", "day", "api_key_id", "model_name")
SUMS: Final = (
    *("requests", *Status.values),
    *("prompt_tokens", "completion_tokens", "cached_tokens"),
    "images",
    *("charged_requests", "charged_tokens", "charged_images", "cost_nano"),
)
_BY_STATUS: Final = {
    status: tuple(int(status == other) for other in Status.values) for status in Status.values
}
_NO_STATUS: Final = (0,) * len(Status.values)
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()

Key = tuple[int, str, int, str]
Row = tuple[int | str, ...]


def usage_add(entries: Iterable[Entry]) -> None:
    """Add `entries` to the usage of their users' days; one of nobody we know is left out.

    Call it in the transaction that inserts their rows, for just those that it inserted: what is
    added twice counts twice. Raises what the database raises.
    """
    sums: dict[Key, tuple[int, ...]] = {}
    for entry in entries:
        if entry.user_id is not None:
            key, amounts = _key(entry, entry.user_id), _amounts(entry)
            known = sums.get(key)
            sums[key] = tuple(map(int.__add__, known, amounts)) if known else amounts
    if sums:
        # In one order everywhere: two that lock the same rows in turn would wait for each other.
        rows: list[Row] = [(*key, *sums[key]) for key in sorted(sums)]
        with connection.cursor() as cursor:
            cursor.executemany(_statement(), rows)


def _key(entry: Entry, user_id: int) -> Key:
    counted_at = entry.counted_at
    if counted_at is None:  # never admitted
        counted_at = int(entry.created_at.timestamp() * 1000)
    return user_id, _day(counted_at // _DAY_MS), entry.api_key_id or 0, entry.model_name


@cache
def _day(since_epoch: int) -> str:
    return date.fromordinal(_EPOCH + since_epoch).isoformat()


def _amounts(entry: Entry) -> tuple[int, ...]:
    """Return what the entry adds to each of `SUMS`. Tokens that nobody is charged for add none."""
    made = entry.charged_tokens + entry.charged_images > 0 or entry.status == Status.COMPLETED
    return (
        1,
        *_BY_STATUS.get(entry.status, _NO_STATUS),
        entry.prompt_tokens if made else 0,
        entry.completion_tokens if made else 0,
        entry.cached_tokens if made else 0,
        entry.images if made else 0,
        entry.charged_requests,
        entry.charged_tokens,
        entry.charged_images,
        entry.cost_nano,
    )


@cache
def _statement() -> str:
    """Return the upsert; both databases that we run on know this clause."""
    quote = connection.ops.quote_name
    table = quote(UsageDay._meta.db_table)
    names = ", ".join(quote(name) for name in (*_KEY, *SUMS))
    places = ", ".join(["%s"] * len((*_KEY, *SUMS)))
    added = ", ".join(f"{quote(n)} = {table}.{quote(n)} + excluded.{quote(n)}" for n in SUMS)
    key = ", ".join(quote(name) for name in _KEY)
    return (
        f"INSERT INTO {table} ({names}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {added}"
    )
