"""API keys in the admin."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.api_key_form import ApiKeyForm
from accounts.admin.key_limits import KeyLimitInline
from accounts.admin.limit_inline import SavesLimits
from accounts.models import ApiKey, ApiKeyQuerySet
from accounts.services import (
    CHANGEABLE,
    KeyNotInForce,
    api_key_create,
    api_key_revoke,
    api_key_rotate,
    api_key_update,
)
from aiplatform.admin_lists import RefusesBadLookups

STATES: Final = ("active", "expired", "revoked")
ROTATION_GRACE: Final = timedelta(days=1)


class StateFilter(admin.SimpleListFilter):
    """Keys that work, that ran out and that were taken back."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[ApiKey]:
        wanted = self.value()
        keys: ApiKeyQuerySet = queryset
        return keys.in_state(wanted) if wanted in STATES else keys


@admin.register(ApiKey)
class ApiKeyAdmin(SavesLimits, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Keys: made here, shown once, changed a little, revoked for good."""

    form = ApiKeyForm
    list_display = [
        "name_or_id", "user", "state", "scope_names", "expires_at", "last_used_at", "created_at"
    ]  # fmt: skip
    list_filter = [StateFilter, "created_at"]
    list_select_related = ["user"]
    search_fields = ["=public_id", "name", "user__username"]
    autocomplete_fields = ["user"]
    actions = ["revoke", "rotate"]
    inlines = [KeyLimitInline]
    fieldsets = [
        (None, {"fields": ["user", "name", "expires_at"]}),
        ("What it may do", {"fields": ["scopes", "allowed_models", "allowed_networks"]}),
        ("Privacy", {"fields": ["store_bodies"]}),
    ]
    facts = ["public_id", "state", "rotated_from", "created_at", "last_used_at", "revoked_at"]

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        facts = [("Facts", {"fields": self.facts})] if obj else []
        return [*self.fieldsets, *facts]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return ["user", *self.facts] if obj else []

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ApiKeyForm, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in CHANGEABLE}
        if change:
            api_key_update(key=obj, fields=fields)
            return
        key, text = api_key_create(user=obj.user, scope=fields.pop("scopes"), **fields)
        # The admin goes on with the object it holds: its log entry and its redirect need the row.
        obj.pk, obj.public_id = key.pk, key.public_id
        messages.warning(request, _shown_once(text))

    @admin.action(description="Revoke selected API keys (for good)", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke what is selected and still works."""
        count = sum(
            api_key_revoke(key_id=key_id) for key_id in queryset.values_list("id", flat=True)
        )
        messages.success(request, f"Keys revoked: {count}. They stop working within a second.")

    @admin.action(description="Rotate the selected API key", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Put a new key in the place of the one that is selected, which works for a day more."""
        if queryset.count() != 1:
            messages.error(request, "Select one key: each new one is shown once.")
            return
        try:
            _, text = api_key_rotate(key_id=queryset.get().pk, grace=ROTATION_GRACE)
        except KeyNotInForce as refused:
            messages.error(request, str(refused))
            return
        messages.warning(request, _shown_once(text))

    @admin.display(description="key", ordering="name")
    def name_or_id(self, key: ApiKey) -> str:
        """Return what a person knows the key by."""
        return str(key)

    @admin.display(description="scopes")
    def scope_names(self, key: ApiKey) -> str:
        """Return the scopes as text."""
        return ", ".join(key.scopes)


def _shown_once(text: str) -> SafeString:
    return format_html("The key, shown this once and kept nowhere: <code>{}</code>", text)
