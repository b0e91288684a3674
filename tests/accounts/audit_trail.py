"""What a test sees of the audit trail: the events that were written while it did something."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import AuditEvent


@contextmanager
def trail() -> Iterator[list[AuditEvent]]:
    """Yield a list that holds, once the block is over, the events it left, oldest first."""
    newest = AuditEvent.objects.first()
    events: list[AuditEvent] = []
    yield events
    events.extend(AuditEvent.objects.filter(id__gt=newest.pk if newest else 0).order_by("id"))


@contextmanager
def one_event() -> Iterator[list[AuditEvent]]:
    """The same, and fail unless it is exactly one."""
    with trail() as events:
        yield events
    assert len(events) == 1, [event.action for event in events]
