"""Users, their API keys, plans and limits, and the trail of changes."""

from accounts.models.api_key import ApiKey, ApiKeyQuerySet
from accounts.models.audit_event import AuditEvent
from accounts.models.limit import Limit, Per, Resource, Window
from accounts.models.plan import Plan
from accounts.models.session import Session
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "ApiKeyQuerySet",
    "AuditEvent",
    "Limit",
    "Per",
    "Plan",
    "Resource",
    "Session",
    "User",
    "Window",
]
