"""Writes of limits. Each change leaves an audit event in its own transaction."""

from dataclasses import asdict, dataclass
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.audit import audit_changed, audit_created
from accounts.audit_fields import recorded
from accounts.errors import ConcurrentChange
from accounts.models import ApiKey, Limit, Plan, User

Owner = Plan | User | ApiKey | None  # None: the platform


@dataclass(frozen=True, slots=True)
class Counter:
    """What a limit counts, and for whom; no two limits of one owner have the same."""

    resource: str  # models.Resource
    window: str  # models.Window
    per: str  # models.Per
    model_name: str = ""  # counts this model alone; empty: every model


def limit_find(*, owner: Owner, counter: Counter) -> Limit | None:
    """Return the owner's limit on the counter."""
    return Limit.objects.filter(**_owned_by(owner), **asdict(counter)).first()


def limit_set(*, owner: Owner, counter: Counter, amount: Decimal) -> Limit:
    """Let the owner's limit on the counter be `amount`, whether there is one or not yet.

    Raises Django's ValidationError, which names the fields, and ConcurrentChange.
    """
    limit = limit_find(owner=owner, counter=counter)
    if limit is None:
        limit = Limit(**_owned_by(owner), **asdict(counter))
    limit.amount = amount
    limit_save(limit=limit)
    return limit


def limit_save(*, limit: Limit) -> None:
    """Write a new or changed limit.

    Raises Django's ValidationError, which names the fields, and ConcurrentChange.
    """
    limit.full_clean()
    try:
        limit_write(limit=limit)
    except IntegrityError as error:
        raise ConcurrentChange from error


@transaction.atomic
def limit_write(*, limit: Limit) -> None:
    """Write a limit that was checked. Raises IntegrityError and ConcurrentChange."""
    if limit._state.adding:
        limit.save(force_insert=True)
        audit_created(limit)
        return
    stored = Limit.objects.filter(pk=limit.pk).first()
    if stored is None:
        raise ConcurrentChange
    columns = [column.attname for column in Limit._meta.concrete_fields if column.attname != "id"]
    values = {name: getattr(limit, name) for name in columns}
    as_read = Limit.objects.filter(pk=limit.pk, amount=stored.amount)
    if as_read.update(**values) != 1:
        raise ConcurrentChange
    audit_changed(limit, recorded(stored), recorded(limit))


def limit_delete(*, limit: Limit) -> None:
    """Delete a limit. What it counted is counted on for the limits that are left."""
    limit.delete()


def _owned_by(owner: Owner) -> dict[str, Plan | User | ApiKey | None]:
    return {
        "plan": owner if isinstance(owner, Plan) else None,
        "user": owner if isinstance(owner, User) else None,
        "api_key": owner if isinstance(owner, ApiKey) else None,
    }
