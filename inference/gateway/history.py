"""Writes of the history: many entries in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from django.db import DataError, IntegrityError, transaction

from accounts.models import ApiKey
from accounts.services import api_keys_touch
from inference.gateway.bulk_insert import BulkInsert
from inference.gateway.entry import Entry
from inference.gateway.models import Request, RequestBody
from inference.gateway.usage_days import usage_add

log = structlog.get_logger(__name__)

_BODY: Final = {"request_id": "id", "prompt": "asked", "completion": "answered"}
_COLUMNS: Final = set(Entry.__struct_fields__) - {"asked", "answered", "limits", "worked"}
_requests: Final = BulkInsert(Request, {name: name for name in _COLUMNS})
_bodies: Final = BulkInsert(RequestBody, _BODY)


def entries_write(entries: Sequence[Entry]) -> None:
    """Write `entries`; one that is there already stays as it is.

    Raises DatabaseError when the database is away. An entry whose user, key or model has been
    deleted meanwhile is written without the reference: the ledger loses nobody's usage.
    """
    try:
        _write(entries)
    except (IntegrityError, DataError):
        for entry in entries:
            _write_alone(entry)


def _write_alone(entry: Entry) -> None:
    if Request.objects.filter(pk=entry.id).exists():
        return  # from the spool a second time; its usage is counted once
    try:
        _write([entry])
        return
    except DataError:
        log.warning("entry_with_changed_texts", entry=str(entry.id))
        entry = _fitting(entry)
    except IntegrityError:
        pass  # tried once more below, now that it is known not to be its texts
    try:
        _write([entry])
    except IntegrityError:
        log.warning("entry_without_references", entry=str(entry.id))
        alone = msgspec.structs.replace(entry, user_id=None, api_key_id=None, model_id=None)
        _write([alone], used=[entry])  # usage refers to nobody: it keeps whose it was


def _fitting(entry: Entry) -> Entry:
    """Return `entry` as PostgreSQL takes it: no NUL in a text, and none longer than its column."""
    columns = {field.attname: field.max_length for field in Request._meta.concrete_fields}
    texts = {name: _without_nul(getattr(entry, name)) for name in Entry.__struct_fields__}
    cut = {name: text[: columns.get(name)] for name, text in texts.items() if type(text) is str}
    return msgspec.structs.replace(entry, **{**cut, "asked": texts["asked"]})


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(one) for name, one in value.items()}
    return value


def _write(entries: Sequence[Entry], used: Sequence[Entry] | None = None) -> None:
    with transaction.atomic():
        _requests.execute(entries)
        _bodies.execute(entry for entry in entries if entry.asked is not None)
        usage_add(entries if used is None else used)
        api_keys_touch(used=_last_uses(entries))


# What this process noted last of each key: most writes of a busy key are saved without asking.
_noted: Final[dict[int, datetime]] = {}


def _last_uses(entries: Iterable[Entry]) -> dict[int, datetime]:
    uses = {entry.api_key_id: entry.created_at for entry in entries if entry.api_key_id}
    fresh = {
        key: moment
        for key, moment in uses.items()
        if key not in _noted or moment - _noted[key] >= ApiKey.LAST_USED_RESOLUTION
    }
    _noted.update(fresh)
    return fresh
