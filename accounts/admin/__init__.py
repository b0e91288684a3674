"""What the admin shows of accounts. Django imports this module; importing the others registers."""

from django.contrib import admin

from accounts.admin.api_key import ApiKeyAdmin
from accounts.admin.audit_event import AuditEventAdmin
from accounts.admin.group import GroupAdmin
from accounts.admin.limit import LimitAdmin
from accounts.admin.plan import PlanAdmin
from accounts.admin.user import UserAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuditEventAdmin",
    "GroupAdmin",
    "LimitAdmin",
    "PlanAdmin",
    "UserAdmin",
]

admin.site.site_header = admin.site.site_title = "AI platform"
admin.site.index_title = "Administration"

# simplejwt's own pages: who deleted a spent token there would let it be used again.
for _model in [one for one in admin.site._registry if one._meta.app_label == "token_blacklist"]:
    admin.site.unregister(_model)
