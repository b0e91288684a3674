"""Who may call what. Every route denies unless it names what it asks for."""

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.principal import Principal

if TYPE_CHECKING:
    # DRF's views import the default permissions, this module among them, while they are imported.
    from rest_framework.views import APIView


class DenyByDefault(BasePermission):
    """Nobody: a view that forgets to say who may call it serves no one."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return False


class HasScope(BasePermission):
    """Whoever has the view's `required_scope`; `for_admins` asks for an admin besides."""

    def has_permission(self, request: Request, view: Any) -> bool:
        principal: object = request.user
        if not isinstance(principal, Principal):
            return False
        self.message = f"This API key lacks the scope `{view.required_scope}`."
        if view.required_scope not in principal.scopes:
            return False
        self.message = "Only an admin may do this."
        return principal.is_admin or not getattr(view, "for_admins", False)


class ReadOrAdminWrite(BasePermission):
    """Read with the view's `read_scope`; write with its `write_scope`, as an admin."""

    message = "Only an admin may do this, with a key that has the scope for it."

    def has_permission(self, request: Request, view: Any) -> bool:
        principal: object = request.user
        if not isinstance(principal, Principal):
            return False
        if request.method in SAFE_METHODS:
            return view.read_scope in principal.scopes
        return principal.is_admin and view.write_scope in principal.scopes
