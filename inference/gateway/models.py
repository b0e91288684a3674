"""The history: one row a request. It is the ledger; every counter elsewhere is a cache of it."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Status(models.TextChoices):
    """How a request ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    REFUSED = "refused"


class Request(models.Model):
    """One thing that was asked of a model and what became of it.

    The names of user, key and model are kept beside the references, so that the ledger still
    reads when those are gone.
    """

    id = models.UUIDField(primary_key=True)  # version 7: sorts by time
    created_at = models.DateTimeField()
    # No index of their own for user and model: the indexes below begin with them.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="requests",
        db_index=False,
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, related_name="requests", db_index=False
    )
    model = models.ForeignKey(
        "registry.Model", models.SET_NULL, null=True, related_name="requests", db_index=False
    )
    username = models.CharField(max_length=150)
    key_name = models.CharField(max_length=100, blank=True)
    model_name = models.CharField(max_length=100, blank=True)
    door = models.CharField(max_length=40)
    stream = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status.choices)
    finish_reason = models.CharField(max_length=20, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    images = models.PositiveIntegerField(default=0)  # pictures that were read
    queue_ms = models.FloatField(null=True)  # until its prefill began
    ttft_ms = models.FloatField(null=True)  # until the first token reached the gateway
    duration_ms = models.FloatField()
    overhead_ms = models.FloatField(null=True)  # spent outside the model
    replica = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # replicas it was submitted to
    # When it was admitted, by the store's clock, in ms; None: it never was. Which bucket of each
    # counter it is charged to follows from this, so that counters can be rebuilt exactly.
    counted_at = models.BigIntegerField(null=True)
    charged_requests = models.PositiveSmallIntegerField(default=0)
    charged_tokens = models.PositiveBigIntegerField(default=0)
    charged_images = models.PositiveIntegerField(default=0)
    cost_nano = models.PositiveBigIntegerField(default=0)  # 1e-9 of the prices' currency
    admission = models.JSONField(null=True)  # the limits that applied and what they said
    client_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="request_user"),
            models.Index(fields=["api_key", "-id"], name="request_api_key"),
            models.Index(fields=["model", "-id"], name="request_model"),
            models.Index(fields=["created_at"], name="request_created"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class RequestBody(models.Model):
    """What was asked and answered, apart from the ledger so that lists never read it."""

    request = models.OneToOneField(Request, models.CASCADE, primary_key=True, related_name="body")
    prompt = models.JSONField()  # the text or the chat messages as they came
    completion = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "request bodies"

    def __str__(self) -> str:
        return str(self.request_id)


class UsageDay(models.Model):
    """What one user used of one model through one key on one day (UTC).

    Written in the transaction that writes the requests, so that it always agrees with them; it
    stays when they are purged. No references: usage outlives whoever made it. 0 stands for none.
    """

    day = models.DateField()
    user_id = models.BigIntegerField()
    api_key_id = models.BigIntegerField(default=0)
    model_name = models.CharField(max_length=100, blank=True)
    requests = models.PositiveBigIntegerField(default=0)  # of any status
    completed = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)  # of requests that were charged
    completion_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    images = models.PositiveBigIntegerField(default=0)
    charged_requests = models.PositiveBigIntegerField(default=0)
    charged_tokens = models.PositiveBigIntegerField(default=0)
    charged_images = models.PositiveBigIntegerField(default=0)
    cost_nano = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-day"]
        verbose_name_plural = "usage by day"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user_id", "day", "api_key_id", "model_name"], name="one_usage_a_day"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["day"], name="usage_day"),
            models.Index(fields=["api_key_id", "day"], name="usage_key_day"),
            models.Index(fields=["model_name", "day"], name="usage_model_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day} user {self.user_id}"
