"""Webhooks in the admin: who is told where, what was sent, and sending it again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from aiplatform.admin_lists import RefusesBadLookups
from inference.jobs.webhooks.models import Delivery, Endpoint
from inference.jobs.webhooks.services import (
    DeliveryNotOver,
    delivery_redeliver,
    endpoint_disable,
)


class Unchangeable:
    """Rows to read: their owners change them, or nobody."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Endpoint)
class EndpointAdmin(Unchangeable, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic here
    """An endpoint. Its owner alone makes it: whoever does is shown its secret."""

    list_display = ["origin", "user", "enabled", "disabled_reason", "failing_since", "created_at"]
    list_filter = ["enabled", "disabled_reason"]
    list_select_related = ["user"]
    search_fields = ["origin", "=user__username"]
    show_full_result_count = False
    actions = ["disable"]
    # Neither the secrets nor the address: its path and query may hold one of the receiver's.
    fields = [
        *("origin", "user", "description", "events", "enabled", "disabled_reason"),
        *("failing_since", "rotations", "old_secret_until", "created_at"),
    ]

    @admin.action(description="Disable selected webhook endpoints", permissions=["delete"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Send nothing more to what is selected, until its owner enables it again."""
        ids = queryset.values_list("id", flat=True)
        count = sum(endpoint_disable(endpoint_id=one, reason="admin") for one in ids)
        messages.success(request, f"Endpoints disabled: {count}.")


@admin.register(Delivery)
class DeliveryAdmin(Unchangeable, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic here
    """One event for one endpoint, newest first."""

    list_display = [
        *("id", "event_type", "endpoint", "status", "attempts", "response_code", "error"),
        *("attempted_at", "next_attempt_at"),
    ]
    list_filter = ["status"]
    list_select_related = ["event", "endpoint"]
    list_per_page = 50
    list_max_show_all = 200
    search_fields = ["=endpoint__user__username", "=endpoint__origin"]
    search_help_text = "A user's name or an endpoint's origin, each in full."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    actions = ["redeliver"]
    fields = [
        *("endpoint", "event", "status", "attempts", "attempted_at", "next_attempt_at"),
        *("response_code", "duration_ms", "error", "answer"),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # they go with their endpoint, or with time

    @admin.display(description="event")
    def event_type(self, delivery: Delivery) -> str:
        """Return what it tells of."""
        return delivery.event.type

    @admin.action(description="Send selected deliveries again", permissions=["view"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send again what is selected and over."""
        sent = 0
        for delivery in queryset:
            try:
                delivery_redeliver(delivery=delivery)
            except DeliveryNotOver as refused:
                messages.warning(request, f"{delivery}: {refused}")
            else:
                sent += 1
        messages.success(request, f"Deliveries sent again: {sent}.")
