"""Users: whoever signs in or owns keys."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction

from accounts import audit, audit_fields


class User(AbstractUser):
    """Whoever signs in or owns keys. Own model from the first migration, so that it can grow."""

    plan = models.ForeignKey(
        "accounts.Plan",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="users",
        help_text="Which limits apply; none: those of the default plan.",
    )

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, and audit what changed. Here, because Django's own commands and forms save too."""
        names = None if update_fields is None else set(update_fields)
        told = self._told(names)
        if not told:
            super().save(*args, update_fields=names, **kwargs)  # last_login, at each sign-in
            return
        with transaction.atomic():
            stored = None if self._state.adding else User.objects.filter(pk=self.pk).first()
            new_password = "password" in told and self._has_new_password(stored, names)
            super().save(*args, update_fields=names, **kwargs)
            self._audit(stored, told, new_password)

    def _told(self, names: set[str] | None) -> set[str]:
        """Return which of the columns that are written the audit trail tells of."""
        columns = self._meta.concrete_fields
        written = {one.name for one in columns if names is None or {one.name, one.attname} & names}
        return written & audit_fields.kind_of(self).fields

    def _audit(self, stored: "User | None", told: set[str], new_password: bool) -> None:
        if stored is None:
            audit.audit_created(self)
            return
        before = audit_fields.recorded(stored, told)
        after = audit_fields.recorded(self, told)
        if new_password:
            before["password"], after["password"] = None, audit_fields.PASSWORD
        audit.audit_changed(self, before, after)

    def _has_new_password(self, stored: "User | None", names: set[str] | None) -> bool:
        # At sign-in Django may save the same password under a newer hash, and that alone.
        raw = self._password  # type: ignore[attr-defined]  # no stub
        rehashed = names == {"password"} and raw is None and self.has_usable_password()
        return stored is not None and self.password != stored.password and not rehashed
