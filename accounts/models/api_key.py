"""API keys: what a program shows instead of a password."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, now: datetime | None = None) -> "ApiKeyQuerySet":
        """Return the keys that are neither revoked nor expired."""
        now = now or timezone.now()
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        return self.filter(unexpired, revoked_at=None)

    def in_state(self, state: str) -> "ApiKeyQuerySet":
        """Return the keys that are `active`, `expired` or `revoked` now."""
        if state == "revoked":
            return self.filter(revoked_at__isnull=False)
        if state == "expired":
            return self.filter(revoked_at=None, expires_at__lte=timezone.now())
        return self.active()


class ApiKey(models.Model):
    """One API key. The secret is shown once; only its HMAC under the pepper is kept."""

    LAST_USED_RESOLUTION: ClassVar = timedelta(minutes=1)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    public_id = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)  # hex HMAC-SHA256
    scopes = models.JSONField(default=list, blank=True)
    allowed_models = models.JSONField(
        default=list, blank=True, help_text="Names of models; empty means every model."
    )
    allowed_networks = models.JSONField(
        default=list, blank=True, help_text="Networks (CIDR) it may be used from; empty: anywhere."
    )
    rotated_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    store_bodies = models.BooleanField(
        default=True, help_text="Keep prompts and answers in the history."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.name or 'key'} ({self.public_id})"

    @property
    def state(self) -> str:
        """Return `active`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return "active"
