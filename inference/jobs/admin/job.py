"""Jobs in the admin: to read, to cancel and to try again."""

import json
import uuid
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from aiplatform.admin_lists import RefusesBadLookups
from inference.gateway.admin import CappedPaginator, ReadOnly
from inference.jobs.models import Job
from inference.jobs.services import job_cancel, job_retry


@admin.register(Job)
class JobAdmin(ReadOnly, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """One row a job, newest first. Nobody writes them; they are cancelled or tried again."""

    list_display = [
        *("id", "created_at", "user", "kind", "model_name", "priority", "status"),
        *("attempts", "prompt_tokens", "completion_tokens", "images"),
    ]
    list_display_links = ["id"]
    list_select_related = ["user"]
    list_filter = ["status", "kind", "priority"]
    list_per_page = 50
    list_max_show_all = 200
    search_fields = ["id"]  # shows the box; get_search_results says what is searched
    search_help_text = "An id of a job or a request, a user's name or a model's name, each in full."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator
    actions = ["cancel", "retry"]
    fieldsets = [
        (None, {"fields": ["id", "kind", "model_name", "status", "priority"]}),
        ("Who", {"fields": ["user", "api_key", "client_address", "user_agent"]}),
        ("When", {"fields": ["created_at", "available_at", "started_at", "ended_at"]}),
        ("Until when", {"fields": ["deadline_at", "lease_until"]}),
        ("Attempts", {"fields": ["attempts", "losses", "request_id"]}),
        ("Used", {"fields": ["prompt_tokens", "completion_tokens", "images"]}),
        ("What was asked and answered", {"fields": ["asked", "answered", "went_wrong"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Return the rows; texts are read with one row alone."""
        return super().get_queryset(request).defer("body", "result", "error")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """Return the jobs of one user or model, or the one of an id."""
        term = search_term.strip()
        return (queryset.filter(**_condition(term)) if term else queryset), False

    @admin.display(description="asked")
    def asked(self, job: Job) -> SafeString:
        """Return the body as it came, unless bodies are not kept."""
        return _indented(job.body)

    @admin.display(description="answered")
    def answered(self, job: Job) -> SafeString:
        """Return the result."""
        return _indented(job.result)

    @admin.display(description="error")
    def went_wrong(self, job: Job) -> SafeString:
        """Return why it failed, or what it waits for."""
        return _indented(job.error)

    @admin.action(description="Cancel selected jobs", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """End those that wait or run."""
        done = sum(job_cancel(job=job) for job in queryset)
        self.message_user(request, f"{done} jobs cancelled; the others had ended.")

    @admin.action(description="Try selected jobs again", permissions=["steer"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Queue those anew that failed or were cancelled and whose body was kept."""
        done = sum(job_retry(job=job) for job in queryset)
        text = f"{done} jobs queued; of the others none failed or was cancelled with its body kept."
        self.message_user(request, text, messages.SUCCESS if done else messages.WARNING)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Return whether the admin may cancel and retry: those who may change jobs."""
        return request.user.has_perm("jobs.change_job")


def _condition(term: str) -> dict[str, Any]:
    try:
        wanted = uuid.UUID(term)
    except ValueError:
        user = User.objects.filter(username=term).first()
        return {"user": user} if user else {"model_name": term}
    found = Job.objects.filter(request_id=wanted).values_list("id", flat=True).first()
    return {"id": found or wanted}


def _indented(text: str) -> SafeString:
    shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else ""
    style = "white-space:pre-wrap;max-height:40em;overflow:auto;margin:0"
    return format_html('<pre style="{}">{}</pre>', style, shown)
