"""Jobs: what is asked now and answered later."""

from typing import ClassVar, Final

from django.conf import settings
from django.db import models

MAX_CUSTOM_ID: Final = 256


class Status(models.TextChoices):
    """Where a job is. The last three are for good."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Priority(models.IntegerChoices):
    """Who goes first, down to the runner's queue; 0 is whoever waits for an answer."""

    JOB = 1
    BATCH = 2


class Job(models.Model):
    """One unit of asynchronous work: somebody's own, or one line of a batch.

    `request_id` names the attempt that holds the job: it changes with each, so a conditional update
    that names it fails for whoever lost the job. All times are by the database's clock.
    """

    id = models.UUIDField(primary_key=True)  # version 7: sorts by time
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="jobs", db_index=False
    )
    # The key it came with. A job whose key was deleted must not run as its user without one.
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, related_name="jobs", db_index=False
    )
    came_with_key = models.BooleanField()
    kind = models.CharField(max_length=40)  # which door it stands for: `generate/text`
    model_name = models.CharField(max_length=100)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.JOB)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    batch = models.ForeignKey(
        "jobs.Batch", models.CASCADE, null=True, related_name="lines", db_index=False
    )
    # Of a line: which one, and where in the batch's file it stands. Its body is read there.
    line = models.PositiveIntegerField(null=True)  # from 1
    custom_id = models.CharField(max_length=MAX_CUSTOM_ID, blank=True)
    offset = models.BigIntegerField(null=True)  # bytes
    length = models.PositiveIntegerField(null=True)  # bytes
    # JSON as text: PostgreSQL's jsonb takes no NUL, which a prompt may hold.
    body = models.TextField(blank=True)
    # What came beside the body: a picture. It is deleted when the job has ended.
    input = models.ForeignKey(
        "jobs.File", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    keeps_body = models.BooleanField(default=True)  # when it ended; what comes of it is kept
    result = models.TextField(blank=True)  # complete before the attempt is settled
    error = models.TextField(blank=True)  # why it failed, or, while queued, what it waits for
    client_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()  # not begun before
    deadline_at = models.DateTimeField()  # not begun after
    started_at = models.DateTimeField(null=True)  # of the last attempt
    ended_at = models.DateTimeField(null=True)
    request_id = models.UUIDField(null=True)  # of the last attempt, in the history too
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)  # attempts whose worker died
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    images = models.PositiveIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["user", "-id"], name="job_user", condition=models.Q(batch__isnull=True)
            ),
            models.Index(fields=["api_key"], name="job_api_key"),
            models.Index(
                fields=["priority", "id"],
                name="job_queue",
                condition=models.Q(status="queued", batch__isnull=True),
            ),
            models.Index(
                fields=["batch", "status", "line"],
                name="job_batch",
                condition=models.Q(batch__isnull=False),
            ),
            models.Index(
                fields=["lease_until"], name="job_lease", condition=models.Q(status="processing")
            ),
            models.Index(fields=["ended_at"], name="job_ended"),
            models.Index(
                fields=["input"], name="job_input", condition=models.Q(input__isnull=False)
            ),
        ]
        constraints: ClassVar = [
            # However often a file is read again, each of its lines is one job.
            models.UniqueConstraint(fields=["batch", "line"], name="job_line"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED
