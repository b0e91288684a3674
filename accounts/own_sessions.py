"""One's own sessions: where one is signed in, and ending that."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from accounts.models import Session
from accounts.session_store import BEGUN

MAX_SHOWN: Final = 100
FLUSH_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One sign-in. `handle` names it on pages, where its key must not be read."""

    handle: str
    began: datetime | None
    address: str
    agent: str
    ends: datetime
    is_this: bool


def sessions_of(*, user_id: int, current: SessionBase) -> list[OwnSession]:
    """Return where the user is signed in, the last to end first."""
    return [_told(row, current.session_key) for row in _live(user_id)]


def session_end(*, user_id: int, handle: str) -> bool:
    """End the user's session that `handle` names; return whether there was one."""
    keys = [row.session_key for row in _live(user_id) if _handle(row.session_key) == handle]
    return Session.objects.filter(session_key__in=keys, user=user_id).delete()[0] > 0


def sessions_end_others(*, user_id: int, current: SessionBase) -> int:
    """End all of the user's sessions but the current one; return how many."""
    others = Session.objects.filter(user=user_id).exclude(session_key=current.session_key)
    return others.delete()[0]


def sessions_flush_expired() -> int:
    """Forget sessions that time has ended, a bounded number at once; return how many."""
    deleted = 0
    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by()
    while keys := list(expired.values_list("session_key", flat=True)[:FLUSH_ROWS]):
        deleted += Session.objects.filter(session_key__in=keys).delete()[0]
    return deleted


def _live(user_id: int) -> Iterator[Session]:
    rows = Session.objects.filter(user=user_id, expire_date__gt=timezone.now())
    yield from rows.order_by("-expire_date")[:MAX_SHOWN]


def _told(row: Session, current: str | None) -> OwnSession:
    begun = row.get_decoded().get(BEGUN, {})
    return OwnSession(
        handle=_handle(row.session_key),
        began=datetime.fromisoformat(begun["at"]) if "at" in begun else None,
        address=begun.get("address", ""),
        agent=begun.get("agent", ""),
        ends=row.expire_date,
        is_this=row.session_key == current,
    )


def _handle(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()
