"""Batches in the admin: to read, to cancel and to try again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from inference.jobs.admin.page import ReadPage
from inference.jobs.batches.selectors import batch_counts
from inference.jobs.batches.services import batch_cancel, batch_retry
from inference.jobs.models import Batch
from inference.jobs.public_ids import id_of


@admin.register(Batch)
class BatchAdmin(ReadPage):
    """One row a batch, newest first."""

    list_display = [
        *("public_id", "created_at", "user", "endpoint", "status"),
        *("total", "completed", "failed", "ended_at"),
    ]
    list_display_links = ["public_id"]
    list_select_related = ["user"]
    list_filter = ["status", "endpoint"]
    search_fields = ["id"]  # shows the box; get_search_results says what is searched
    search_help_text = "An id of a batch or a user's name, in full."
    actions = ["cancel", "retry"]
    fieldsets = [
        (None, {"fields": ["public_id", "endpoint", "status", "metadata"]}),
        ("Who", {"fields": ["user", "api_key", "client_address", "user_agent"]}),
        ("Lines", {"fields": ["counts", "errors"]}),
        ("Files", {"fields": ["input_file_id", "output_file_id", "error_file_id"]}),
        ("When", {"fields": ["created_at", "in_progress_at", "finalizing_at", "ended_at"]}),
        ("Until when", {"fields": ["expires_at", "cancelling_at", "held_until", "lease_until"]}),
    ]

    @admin.display(description="counts")
    def counts(self, batch: Batch) -> str:
        """Return the counts as they are now."""
        now = batch_counts([batch])[batch.id]
        return f"{now.total} lines: {now.completed} completed, {now.failed} failed"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Batch], search_term: str
    ) -> tuple[QuerySet[Batch], bool]:
        """Return the batches of one user, or the one of an id."""
        term = search_term.strip()
        return (queryset.filter(**_condition(term)) if term else queryset), False

    @admin.action(description="Cancel selected batches", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        """Begin no more lines of those that go on."""
        done = sum(batch_cancel(batch=batch) for batch in queryset)
        self.message_user(request, f"{done} batches cancelled; the others had ended.")

    @admin.action(description="Try selected batches again", permissions=["steer"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        """Try again what failed or was not done, where the file is still there."""
        done = sum(batch_retry(batch=batch) for batch in queryset)
        text = f"{done} batches go on; the others have not ended, or their file is gone."
        self.message_user(request, text, messages.SUCCESS if done else messages.WARNING)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Return whether the admin may cancel and retry: those who may change batches."""
        return request.user.has_perm("jobs.change_batch")


def _condition(term: str) -> dict[str, Any]:
    batch_id = id_of("batch_", term)
    return {"id": batch_id} if batch_id else {"user": User.objects.filter(username=term).first()}
