"""The audit trail: who changed what, from where, and what it was before."""

from typing import Any, ClassVar

from django.db import models


class AuditEvent(models.Model):
    """One change. Rows are added and read, never changed: the database itself refuses it.

    Nothing refers to other tables, so that an event reads the same when what it speaks of is gone.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_id = models.BigIntegerField(null=True)  # None: a command, or the platform itself
    actor = models.CharField(max_length=150)
    key_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.UUIDField(null=True)
    action = models.CharField(max_length=50)  # api_key.revoked
    subject_type = models.CharField(max_length=30)
    subject_id = models.CharField(max_length=50)
    subject = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["subject_type", "subject_id", "-id"], name="audit_subject"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event. Raises TypeError where it would change one."""
        if not self._state.adding:
            raise TypeError("An audit event is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Raise TypeError: an event is never deleted."""
        raise TypeError("An audit event is never deleted.")
