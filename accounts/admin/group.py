"""Groups in the admin: Django's page, and what is done there in the audit trail."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.admin.audited_lists import AuditsLists
from accounts.services.groups import group_save
from aiplatform.admin_lists import RefusesBadLookups

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AuditsLists, RefusesBadLookups, DjangoGroupAdmin):
    """Groups: who is in one may do what it may."""

    audited_lists = ("permissions",)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        group_save(group=obj)
