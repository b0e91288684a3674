"""Limits in the admin: the platform's and users' own; everybody's to look through."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.limit_inline import SavesLimits
from accounts.limit_owner import limit_owner
from accounts.models import Limit
from accounts.services.limits import limit_save
from aiplatform.admin_lists import RefusesBadLookups

_COUNTER: Final = ["resource", "window", "per", "model_name"]


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """What is asked of a limit."""

    class Meta:
        model = Limit
        fields = ["user", *_COUNTER, "amount"]
        help_texts = {"user": "Empty: the platform's own, beside every plan's and user's limits."}


class OwnerFilter(admin.SimpleListFilter):
    """Limits of the platform, of plans, of users and of keys."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(owner, owner) for owner in ("platform", "plan", "user", "key")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Limit]) -> QuerySet[Limit]:
        conditions: dict[str, dict[str, Any]] = {
            "platform": {"plan": None, "user": None, "api_key": None},
            "plan": {"plan__isnull": False},
            "user": {"user__isnull": False},
            "key": {"api_key__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value() or "", {}))


@admin.register(Limit)
class LimitAdmin(SavesLimits, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Every limit. A plan's are made on the plan's page and a key's on the key's."""

    form = LimitForm
    list_display = ["readable_amount", "resource", "window", "per", "model_name", "owner"]
    list_filter = [OwnerFilter, "resource", "window", "per"]
    list_select_related = ["plan", "user", "api_key"]
    search_fields = ["user__username", "plan__name", "api_key__name", "model_name"]
    autocomplete_fields = ["user"]

    def get_fields(self, request: HttpRequest, obj: Limit | None = None) -> Any:
        return ["owner" if obj else "user", *_COUNTER, "amount"]

    def get_readonly_fields(self, request: HttpRequest, obj: Limit | None = None) -> list[str]:
        return ["owner"] if obj else []

    def save_model(self, request: HttpRequest, obj: Limit, form: LimitForm, change: bool) -> None:
        limit_save(limit=obj)

    @admin.display(description="amount", ordering="amount")
    def readable_amount(self, limit: Limit) -> str:
        """Return the amount as people write it: `1,000,000` or `12.5`."""
        return f"{limit.amount.normalize():,f}"

    @admin.display(description="of")
    def owner(self, limit: Limit) -> str:
        """Return whose it is."""
        return limit_owner(limit)
