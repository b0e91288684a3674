"""Files of users: what they sent, and what batches wrote for them."""

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models

from inference.jobs.public_ids import public_id


class Purpose(models.TextChoices):
    """What a file is for."""

    BATCH = "batch"
    VISION = "vision"
    USER_DATA = "user_data"
    BATCH_OUTPUT = "batch_output"  # written here, never sent
    JOB_INPUT = "job_input"  # came with a job, gone with its end; in no list of its owner's


class File(models.Model):
    """One file. Its content lies under a name made here; what its owner calls it is only shown."""

    id = models.UUIDField(primary_key=True)  # version 7: sorts by time
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="files", db_index=False
    )
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    filename = models.CharField(max_length=255)
    bytes = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # None: kept until it is deleted

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="file_user"),
            models.Index(fields=["expires_at"], name="file_expiry"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """What the API calls it."""
        return public_id("file-", self.id)

    @property
    def path(self) -> Path:
        """Where its content lies, on storage that every web and worker shares."""
        return Path(settings.FILES_DIR) / self.id.hex[-2:] / self.id.hex
