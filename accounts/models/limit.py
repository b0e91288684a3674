"""Limits: how much of what, in which time, counted for whom."""

from collections.abc import Collection
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Coalesce

from accounts.limit_words import what_over


class Resource(models.TextChoices):
    """What is counted."""

    REQUESTS = "requests", "requests that were answered"
    TOKENS = "tokens", "tokens, prompt and completion"
    IMAGES = "images", "images that were read"
    COST = "cost", "cost, in the currency of the prices"
    CONCURRENCY = "concurrency", "requests under way at once"


class Window(models.TextChoices):
    """Over which time. Windows slide: any minute, not the clock's minute."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month", "month (30 days)"
    TOTAL = "total", "total, for ever"
    NOW = "now", "now (concurrency)"


class Per(models.TextChoices):
    """For whom each counter counts."""

    USER = "user", "each user"
    KEY = "key", "each API key"
    MODEL = "model", "each model, all users together"
    USER_MODEL = "user_model", "each user and model"
    KEY_MODEL = "key_model", "each API key and model"


class Limit(models.Model):
    """One bound. It belongs to a plan, a user, a key, or, with none of them, to the platform.

    On the same counter a user's limit takes the place of the plan's, whether it is larger or
    smaller. A key's and the platform's apply beside them: they only ever tighten.
    """

    plan = models.ForeignKey(
        "accounts.Plan", models.CASCADE, null=True, blank=True, related_name="limits"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="limits"
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.CASCADE, null=True, blank=True, related_name="limits"
    )
    per = models.CharField(max_length=10, choices=Per.choices, default=Per.USER)
    model_name = models.CharField(
        max_length=100, blank=True, help_text="Counts this model alone; empty: every model."
    )
    resource = models.CharField(max_length=11, choices=Resource.choices)
    window = models.CharField(max_length=6, choices=Window.choices)
    amount = models.DecimalField(
        max_digits=24,
        decimal_places=6,
        validators=[MinValueValidator(Decimal(0))],
        help_text="How much; 0 refuses everything.",
    )

    class Meta:
        ordering: ClassVar = ["resource", "window", "per", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                # Two nulls are not equal to SQL, and to us they are.
                *(Coalesce(owner, 0) for owner in ("plan_id", "user_id", "api_key_id")),
                *("per", "model_name", "resource", "window"),
                name="one_limit_a_counter",
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0), name="limit_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(user=None, api_key=None)
                | models.Q(plan=None, api_key=None)
                | models.Q(plan=None, user=None),
                name="limit_has_one_owner",
            ),
        ]

    def __str__(self) -> str:
        said = what_over(self.resource, self.window)
        where = f" of {self.model_name}" if self.model_name else ""
        return f"{self.amount.normalize():f} {said}{where}, per {self.per}"

    @property
    def counter(self) -> tuple[str, str, str, str]:
        """Return what two limits of one owner never share: what they count, and for whom."""
        return (self.per, self.model_name, self.resource, self.window)

    def clean(self) -> None:
        """Raise ValidationError, naming the field, where fields do not go together."""
        if sum(owner is not None for owner in (self.plan_id, self.user_id, self.api_key_id)) > 1:
            raise ValidationError({"plan": "A limit belongs to a plan, a user or a key, to one."})
        if (self.resource == Resource.CONCURRENCY) != (self.window == Window.NOW):
            message = "Concurrency is counted now, everything else over a time."
            raise ValidationError({"window": message})
        if self.amount is not None and self.resource != Resource.COST and self.amount % 1:
            raise ValidationError({"amount": "Give a whole number; only cost has fractions."})

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Raise ValidationError where the owner has another limit on the same counter.

        Django's own check takes the columns inside `Coalesce` for the other row's: it would find
        everybody's limits. The two other constraints are what `clean` and `amount` look at.
        """
        if any(owner and owner.pk is None for owner in (self.plan, self.user, self.api_key)):
            return  # not saved yet, so it has none
        owner = {"plan": self.plan_id, "user": self.user_id, "api_key": self.api_key_id}
        names = ("per", "model_name", "resource", "window")
        counter = dict(zip(names, self.counter, strict=True))
        twin = Limit.objects.filter(**owner, **counter).exclude(pk=self.pk).first()
        if twin:
            raise ValidationError(f"There is a limit on the same already: {twin}. Change that one.")
