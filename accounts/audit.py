"""The audit trail: one event a change, written in the transaction that makes the change.

Services call this for what they write. A user's row calls it itself, because Django's own code
saves users too, and Django's collector announces each row that it deletes, cascades among them.
"""

from typing import Any, Final

from django.contrib.auth.models import Group
from django.db.models import Model
from django.db.models.signals import pre_delete

from accounts.actor import current_actor
from accounts.audit_fields import KINDS, Kind, Values, allowed, kind_of, listed, recorded
from accounts.limit_owner import limit_owner
from accounts.models.audit_event import AuditEvent
from accounts.models.limit import Limit
from accounts.models.plan import Plan

_MAX_TITLE: Final = AuditEvent._meta.get_field("subject").max_length or 0
_MAX_NAME: Final = AuditEvent._meta.get_field("actor").max_length or 0


def audit(action: str, subject: Model, *, before: Values | None, after: Values | None) -> None:
    """Write that `action` changed `subject`, from what to what.

    Called in the transaction that writes the change. Of `before` and `after` only the fields that
    `audit_fields` allows are kept. Raises KeyError where nothing is kept of the subject's model.
    """
    kind = kind_of(subject)
    actor = current_actor()
    AuditEvent.objects.create(
        actor_id=actor.user_id,
        actor=actor.name[:_MAX_NAME],
        key_id=actor.key_id,
        address=actor.address,
        request_id=actor.request_id,
        action=action,
        subject_type=kind.name,
        subject_id=str(subject.pk),
        subject=_title(subject)[:_MAX_TITLE],
        before=allowed(kind, before),
        after=allowed(kind, after),
    )


def audit_created(subject: Model) -> None:
    """Write that the row is new, and what it holds."""
    audit(f"{kind_of(subject).name}.created", subject, before=None, after=recorded(subject))


def audit_changed(subject: Model, before: Values, after: Values) -> None:
    """Write what differs between the two: each field in one event, named for what happened."""
    kind = kind_of(subject)
    for verb, names in _by_verb(kind, before, after).items():
        audit(
            f"{kind.name}.{verb}",
            subject,
            before={name: before[name] for name in names},
            after={name: after[name] for name in names},
        )


def _by_verb(kind: Kind, before: Values, after: Values) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(after):
        if before[name] != after[name]:
            found.setdefault(kind.verb(name, after[name]), []).append(name)
    return found


def audit_deletions() -> None:
    """Have an event written for each row that is deleted, by whatever way.

    Sent by Django's collector inside its transaction, while the row and what it refers to exist.
    """
    for label in KINDS:
        pre_delete.connect(_deleting, sender=label, dispatch_uid=f"audit {label}")


def _deleting(instance: Model, **_: Any) -> None:
    gone = recorded(instance) | _let_go(instance)
    audit(f"{kind_of(instance).name}.deleted", instance, before=gone, after=None)


def _let_go(subject: Model) -> Values:
    """Return what ends with the row by statements that announce no row."""
    if isinstance(subject, Plan):  # its users are on the default plan from now on
        return {"users": subject.users.count()}
    if isinstance(subject, Group):
        return {"users": subject.user_set.count(), **listed(subject, ["permissions"])}
    return {}


def _title(subject: Model) -> str:
    return f"{subject} ({limit_owner(subject)})" if isinstance(subject, Limit) else str(subject)
