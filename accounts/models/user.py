"""Users: whoever signs in or owns keys."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Whoever signs in or owns keys. Own model from the first migration, so that it can grow."""

    plan = models.ForeignKey(
        "accounts.Plan",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="users",
        help_text="Which limits apply; none: those of the default plan.",
    )
