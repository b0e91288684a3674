"""What the admin shows of accounts. Django imports this module; importing the others registers."""

from django.contrib import admin

from accounts.admin.api_key import ApiKeyAdmin
from accounts.admin.user import UserAdmin

__all__ = ["ApiKeyAdmin", "UserAdmin"]

admin.site.site_header = admin.site.site_title = "AI platform"
admin.site.index_title = "Administration"
