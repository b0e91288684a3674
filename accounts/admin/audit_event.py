"""The audit trail in the admin: to read, for nobody to change."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import AuditEvent
from aiplatform.admin_lists import RefusesBadLookups


@admin.register(AuditEvent)
class AuditEventAdmin(RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """One row a change, newest first."""

    list_display = ["at", "actor", "action", "subject", "address"]
    list_filter = ["subject_type", "action", "at"]
    list_per_page = 50
    list_max_show_all = 200
    search_fields = ["=actor", "=subject_id", "subject", "=request_id"]
    search_help_text = "Who did it, the id or a part of the name of what was changed, a request's."
    show_full_result_count = False
    sortable_by = ()  # newest first is the one order that has an index
    fieldsets = [
        (None, {"fields": ["at", "action", "changes"]}),
        ("What", {"fields": ["subject_type", "subject", "subject_id"]}),
        ("Who", {"fields": ["actor", "actor_id", "key_id", "address", "request_id"]}),
    ]
    readonly_fields = ["changes"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="changes")
    def changes(self, event: AuditEvent) -> SafeString | str:
        """Return a line a field: what it was and what it became."""
        before, after = event.before or {}, event.after or {}
        lines = (
            (name, _text(before, name), _text(after, name)) for name in sorted({*before, *after})
        )
        return format_html_join(mark_safe("<br>"), "{}: {} → {}", lines) or "-"


def _text(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else "–"  # noqa: RUF001
