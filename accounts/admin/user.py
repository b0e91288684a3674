"""Users in the admin."""

from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from accounts.admin.audited_lists import AuditsLists
from accounts.admin.limit_inline import SavesLimits, UserLimitInline
from accounts.models import User
from aiplatform.admin_lists import RefusesBadLookups

_DELETING: Final = (
    "Deactivating a user stops their keys and tokens within a second and can be undone. Deleting "
    "one deletes their keys and limits for good; the history of their requests, their usage and "
    "the audit trail stay, under their name."
)


@admin.register(User)
class UserAdmin(SavesLimits, AuditsLists, RefusesBadLookups, DjangoUserAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Users, with the plan they are on and the limits that are theirs alone."""

    list_display = ("username", "email", "plan", "is_active", "is_staff", "is_superuser")
    list_filter = ("plan", "is_active", "is_staff", "is_superuser")
    list_select_related = ("plan",)
    inlines = [UserLimitInline]
    audited_lists = ("groups", "user_permissions")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        plan = ("What they may have", {"fields": ["plan"], "description": _DELETING})
        account, *others = super().get_fieldsets(request, obj)
        return [account, plan, *others] if obj else [account, *others]

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else []
