"""The history in the admin: to read, never to change, and quick at a million rows."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from aiplatform.admin_lists import RefusesBadLookups
from inference.gateway.cost_text import cost_text
from inference.gateway.models import Request, RequestBody, UsageDay
from inference.registry import models as registry

MAX_COUNTED = 10_000
_CHARGED = ("charged_requests", "charged_tokens", "charged_images", "cost")


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # no generic at run time
    """Pages of the newest MAX_COUNTED rows; counting all of a large table takes seconds."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, as far as it is counted."""
        rows: Any = self.object_list
        counted: int = rows.order_by()[:MAX_COUNTED].count()
        return counted


class ReadOnly:
    """Nobody adds, changes or deletes: the history is the ledger."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class BodyInline(ReadOnly, admin.StackedInline):  # type: ignore[type-arg]  # no generic at run time
    """What was asked and what was answered, where bodies are stored."""

    model = RequestBody
    fields = readonly_fields = ("asked", "answered")
    verbose_name_plural = "prompt and answer"

    @admin.display(description="prompt")
    def asked(self, body: RequestBody) -> SafeString:
        """Return the text as it came, or the messages as indented JSON."""
        prompt = body.prompt
        text = (
            prompt if isinstance(prompt, str) else json.dumps(prompt, indent=2, ensure_ascii=False)
        )
        return _preformatted(text)

    @admin.display(description="answer")
    def answered(self, body: RequestBody) -> SafeString:
        """Return the completion."""
        return _preformatted(body.completion)


@admin.register(Request)
class RequestAdmin(ReadOnly, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """One row a request, newest first."""

    list_display = [
        "id",
        "created_at",
        "username",
        "model_name",
        "door",
        "status",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "ttft_ms",
        "duration_ms",
    ]
    list_display_links = ["id"]
    # The list reads the names kept in the row itself, so it joins nothing.
    list_select_related = False
    list_filter = ["status", "model", "created_at"]
    list_per_page = 50
    list_max_show_all = 200
    search_fields = ["id"]  # shows the box; get_search_results says what is searched
    search_help_text = "An id of a request, a user's name or a model's name, each in full."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()  # newest first is the one order that has an index
    paginator = CappedPaginator
    inlines = [BodyInline]
    fieldsets = [
        (None, {"fields": ["id", "created_at", "status", "finish_reason", "error_code"]}),
        ("Who", {"fields": ["username", "user", "key_name", "api_key"]}),
        ("From where", {"fields": ["client_address", "user_agent"]}),
        ("What", {"fields": ["door", "stream", "model_name", "model", "replica", "attempts"]}),
        (
            "Tokens and images",
            {"fields": ["prompt_tokens", "cached_tokens", "completion_tokens", "images"]},
        ),
        ("Milliseconds", {"fields": ["queue_ms", "ttft_ms", "duration_ms", "overhead_ms"]}),
        ("Charged", {"fields": ["admitted_at", *_CHARGED]}),
        ("Limits", {"fields": ["limits"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Request]:
        """Return the rows; what the limits said is read with one row alone."""
        return super().get_queryset(request).defer("admission")

    @admin.display(description="cost")
    def cost(self, row: Request) -> str:
        """Return the cost in the currency of the prices."""
        return cost_text(row.cost_nano)

    @admin.display(description="admitted at")
    def admitted_at(self, row: Request) -> str:
        """Return when it was admitted, by the store's clock."""
        if row.counted_at is None:
            return "never"
        return str(datetime.fromtimestamp(row.counted_at / 1000, UTC))

    @admin.display(description="what the limits said")
    def limits(self, row: Request) -> SafeString:
        """Return the limits that applied and how they stood, as indented JSON."""
        return _preformatted(json.dumps(row.admission, indent=2, ensure_ascii=False))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Request], search_term: str
    ) -> tuple[QuerySet[Request], bool]:
        """Return the rows of one request, user or model: each is found through an index."""
        term = search_term.strip()
        return (queryset.filter(**_condition(term)) if term else queryset), False


@admin.register(UsageDay)
class UsageDayAdmin(ReadOnly, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """What each user used on each day, of each model, through each key."""

    list_display = [
        *("day", "user_id", "api_key_id", "model_name"),
        *("requests", "completed", "cancelled", "failed", "refused"),
        *("prompt_tokens", "completion_tokens", "cost"),
    ]
    list_filter = ["day"]
    list_per_page = 50
    list_max_show_all = 200
    search_fields = ["day"]  # shows the box; get_search_results says what is searched
    search_help_text = "A user's name or a model's name, each in full."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator
    fieldsets = [
        (None, {"fields": ["day", "user_id", "api_key_id", "model_name"]}),
        ("Requests", {"fields": ["requests", "completed", "cancelled", "failed", "refused"]}),
        (
            "Tokens and images",
            {"fields": ["prompt_tokens", "cached_tokens", "completion_tokens", "images"]},
        ),
        ("Charged", {"fields": list(_CHARGED)}),
    ]

    @admin.display(description="cost")
    def cost(self, row: UsageDay) -> str:
        """Return the cost in the currency of the prices."""
        return cost_text(row.cost_nano)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UsageDay], search_term: str
    ) -> tuple[QuerySet[UsageDay], bool]:
        """Return the days of one user or model: each is found through an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        user = User.objects.filter(username=term).first()
        return queryset.filter(**({"user_id": user.pk} if user else {"model_name": term})), False


def _condition(term: str) -> dict[str, Any]:
    try:
        return {"id": uuid.UUID(term)}
    except ValueError:
        pass  # no id, so a name
    if user := User.objects.filter(username=term).first():
        return {"user": user}
    if model := registry.Model.objects.filter(name=term).first():
        return {"model": model}
    return {"username": term}  # a user who is gone; the name stays in the row


def _preformatted(text: str) -> SafeString:
    style = "white-space:pre-wrap;max-height:40em;overflow:auto;margin:0"
    return format_html('<pre style="{}">{}</pre>', style, text)
