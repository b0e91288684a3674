"""Plans: named sets of limits that users are put on."""

from decimal import Decimal
from typing import ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

MIN_WEIGHT: Final = Decimal("0.01")  # what the engine's queue takes
MAX_WEIGHT: Final = Decimal(100)


class Plan(models.Model):
    """A named set of limits. A user without a plan of their own is on the default one."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=500, blank=True)
    is_default = models.BooleanField(
        default=False, help_text="For every user who is on no other plan."
    )
    weight = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(MIN_WEIGHT), MaxValueValidator(MAX_WEIGHT)],
        help_text="Share of a busy model that each user gets, as a multiple of a plan with 1.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_plan"
            )
        ]

    def __str__(self) -> str:
        return self.name
