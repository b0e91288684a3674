"""How the periodic tasks went when they last ran."""

from typing import ClassVar

from django.db import models


class Outcome(models.TextChoices):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"


class PeriodicTask(models.Model):
    """One task of the schedule, and its last run. Only what a run came to is kept, not each run."""

    name = models.CharField(max_length=100, primary_key=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    ended_at = models.DateTimeField()
    duration_ms = models.FloatField()
    result = models.CharField(max_length=500, blank=True)  # or the kind of error
    failures = models.PositiveIntegerField(default=0)  # in a row

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
