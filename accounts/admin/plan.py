"""Plans in the admin: named sets of limits, one of them for everybody else."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from accounts.admin.limit_inline import PlanLimitInline, SavesLimits
from accounts.errors import ConcurrentChange
from accounts.models import Plan
from accounts.services.plans import plan_make_default, plan_save
from aiplatform.admin_lists import RefusesBadLookups


@admin.register(Plan)
class PlanAdmin(SavesLimits, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Plans and their limits. The default plan is handed on, never taken away."""

    list_display = ["name", "is_default", "users", "weight", "description"]
    search_fields = ["name", "description", "weight"]
    actions = ["make_default"]
    inlines = [PlanLimitInline]
    fields = ["name", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        plans: QuerySet[Plan] = super().get_queryset(request)
        return plans.annotate(user_count=Count("users"))

    def get_fields(self, request: HttpRequest, obj: Plan | None = None) -> Any:
        return ["name", "description", "weight", *(["is_default", "created_at"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        return ["is_default", "created_at"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Refuse the default plan: without one, whoever is on no other would have no limits."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj and obj.is_default)

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        plan_save(plan=obj)

    @admin.action(description="Make the default plan", permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[Plan]) -> None:
        """Have the selected plan bind every user who is on no other."""
        if queryset.count() != 1:
            messages.error(request, "Select one plan: there is one default.")
            return
        plan = queryset.get()
        try:
            changed = plan_make_default(plan=plan)
        except ConcurrentChange:
            messages.error(request, "Somebody else changed the plans at the same moment.")
            return
        since = "now" if changed else "already"
        messages.success(request, f"The plan {plan} is the default {since}.")

    @admin.display(description="users on it", ordering="user_count")
    def users(self, plan: Plan) -> int:
        """Return how many users were put on it."""
        count: int = plan.user_count  # type: ignore[attr-defined]  # annotated
        return count
