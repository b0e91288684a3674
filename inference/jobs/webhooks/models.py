"""Endpoints, what happened, and the telling of it."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from aiplatform.request_ids import new_request_id
from inference.jobs.webhooks.target import MAX_URL


class Endpoint(models.Model):
    """An address that its owner wants to be told at."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=MAX_URL)  # a path or query may hold a secret
    origin = models.CharField(max_length=300)  # of the address, what may be told: its host
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list)  # sorted names of event_types
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=50, blank=True)
    secret = models.BinaryField()  # sealed
    old_secret = models.BinaryField(null=True)  # sealed; signs beside the other one until then
    old_secret_until = models.DateTimeField(null=True)
    rotations = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)  # None: the last attempt succeeded
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "webhook endpoint"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.origin} ({self.pk})"


class Event(models.Model):
    """Something that happened to one user. Its id is the same at every endpoint and attempt."""

    id = models.UUIDField(primary_key=True, default=new_request_id)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    type = models.CharField(max_length=50)
    data = models.JSONField(default=dict)
    # What happens once is told once: whoever notices it a second time finds this taken.
    once = models.CharField(max_length=200, null=True, unique=True)  # noqa: DJ001  # unique
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"

    @property
    def message_id(self) -> str:
        """Return the `webhook-id` by which receivers know it again."""
        return f"msg_{self.id.hex}"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """One event for one endpoint, and how the last attempt went."""

    # Longer than any attempt takes. Whoever begins one moves the next this far ahead, so that it
    # comes by itself if the process dies.
    LEASE: ClassVar = timedelta(minutes=2)

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, models.CASCADE, related_name="deliveries")
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveIntegerField(default=0)  # begun; the number of the one under way
    attempts_before = models.PositiveIntegerField(default=0)  # as it was sent anew by hand
    next_attempt_at = models.DateTimeField(default=timezone.now, null=True)
    attempted_at = models.DateTimeField(null=True)
    response_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.FloatField(null=True)
    error = models.CharField(max_length=50, blank=True)
    answer = models.TextField(blank=True)  # its first bytes, as text

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="webhook_deliveries"),
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status="pending"),
                name="webhook_due",
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"
