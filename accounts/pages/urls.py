"""Addresses of the pages, with and without a trailing slash. Mounted under `account/`."""

from typing import Any, Final

from django.urls import path

from accounts.pages.keys import key_detail, key_list, key_new, key_revoke, key_rotate
from accounts.pages.security import password_change, security, sessions_end
from accounts.pages.sign_in import sign_in, sign_out
from accounts.pages.sign_up import sign_up

_ROUTES: Final[list[tuple[str, Any]]] = [
    ("sign-in", sign_in),
    ("sign-out", sign_out),
    ("sign-up", sign_up),
    ("security", security),
    ("security/password", password_change),
    ("security/sessions", sessions_end),
    ("keys", key_list),
    ("keys/new", key_new),
    ("keys/<int:key_id>", key_detail),
    ("keys/<int:key_id>/rotate", key_rotate),
    ("keys/<int:key_id>/revoke", key_revoke),
]
urlpatterns = [path(f"{route}{slash}", view) for route, view in _ROUTES for slash in ("", "/")]
