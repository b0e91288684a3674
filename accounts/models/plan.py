"""Plans: named sets of limits that users are put on."""

from typing import ClassVar

from django.db import models


class Plan(models.Model):
    """A named set of limits. A user without a plan of their own is on the default one."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=500, blank=True)
    is_default = models.BooleanField(
        default=False, help_text="For every user who is on no other plan."
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
