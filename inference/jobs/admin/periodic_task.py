"""Periodic tasks in the admin: when each last ran, how long, and what came of it."""

from django.contrib import admin

from inference.jobs.admin.page import ReadPage
from inference.jobs.models import PeriodicTask


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadPage):
    """One row a task of the schedule."""

    list_display = ["name", "outcome", "ended_at", "duration_ms", "result", "failures"]
    list_filter = ["outcome"]
