"""Batches: many requests in one file, answered in another."""

from typing import ClassVar, Final

from django.conf import settings
from django.db import models

from inference.jobs.public_ids import public_id


class BatchStatus(models.TextChoices):
    """Where a batch is, in OpenAI's words."""

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Batch(models.Model):
    """One file of requests. Each of its lines is a job with its number (`Job.line`).

    `turn` names whoever validates it or writes its files now, until `lease_until`: as with jobs, a
    conditional update that names it fails for whoever lost the batch. All times are by the
    database's clock.
    """

    UNFINISHED: Final = (
        BatchStatus.VALIDATING,
        BatchStatus.IN_PROGRESS,
        BatchStatus.FINALIZING,
        BatchStatus.CANCELLING,
    )

    id = models.UUIDField(primary_key=True)  # version 7: sorts by time
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="batches", db_index=False
    )
    # The key it came with. Lines whose key was deleted must not run as its user without one.
    api_key = models.ForeignKey("accounts.ApiKey", models.SET_NULL, null=True, related_name="+")
    came_with_key = models.BooleanField()
    endpoint = models.CharField(max_length=40)  # as OpenAI writes it: `/v1/chat/completions`
    completion_window = models.CharField(max_length=10)
    metadata = models.JSONField(default=dict)
    status = models.CharField(
        max_length=12, choices=BatchStatus.choices, default=BatchStatus.VALIDATING
    )
    # Ids and no references: a batch goes on naming files that are deleted.
    input_file_id = models.UUIDField()
    output_file_id = models.UUIDField(null=True)
    error_file_id = models.UUIDField(null=True)
    errors = models.JSONField(default=list)  # what is wrong with the file
    total = models.PositiveIntegerField(default=0)  # lines
    completed = models.PositiveIntegerField(default=0)  # the counts hold once it has ended,
    failed = models.PositiveIntegerField(default=0)  # until then the lines themselves are counted
    client_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # no line is begun after
    in_progress_at = models.DateTimeField(null=True)
    finalizing_at = models.DateTimeField(null=True)
    cancelling_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)  # a limit refused a line: none begins before
    served_at = models.DateTimeField(null=True)  # a line was last begun: batches take turns
    lease_until = models.DateTimeField(null=True)
    turn = models.UUIDField(null=True)

    class Meta:
        verbose_name_plural = "batches"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="batch_user"),
            models.Index(fields=["ended_at"], name="batch_ended"),
            models.Index(
                fields=["status"], name="batch_unfinished", condition=models.Q(ended_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """What the API calls it."""
        return public_id("batch_", self.id)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.ended_at is not None
