"""Reads of the audit trail."""

from typing import Any, Final

from accounts.models import AuditEvent

# What may be asked for, and the condition it stands for.
_CONDITIONS: Final = {
    "before": "id__lt",
    "action": "action",
    "actor": "actor",
    "actor_id": "actor_id",
    "subject_type": "subject_type",
    "subject_id": "subject_id",
    "from": "at__gte",
    "to": "at__lt",
}


def audit_page(*, wanted: dict[str, Any], limit: int) -> tuple[list[AuditEvent], int | None]:
    """Return the newest `limit` events as `wanted`, and the id that older ones are before.

    That is None on the last page.
    """
    conditions = {_CONDITIONS[name]: value for name, value in wanted.items() if name in _CONDITIONS}
    found = list(AuditEvent.objects.filter(**conditions)[: limit + 1])
    events = found[:limit]
    return events, events[-1].pk if len(found) > limit else None
