"""Writes of groups, which are Django's own rows: named sets of permissions."""

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.audit import audit_changed, audit_created
from accounts.audit_fields import recorded


@transaction.atomic
def group_save(*, group: Group) -> None:
    """Write a new group, or the name of one. Its permissions are in a table of their own."""
    stored = Group.objects.filter(pk=group.pk).first()
    group.save()
    if stored is None:
        audit_created(group)
    else:
        audit_changed(group, recorded(stored), recorded(group))
