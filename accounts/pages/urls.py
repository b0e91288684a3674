"""Addresses of the pages, with and without a trailing slash. Mounted under `account/`."""

from typing import Any, Final

from django.urls import path

from accounts.pages.sign_in import sign_in, sign_out

_ROUTES: Final[list[tuple[str, Any]]] = [
    ("sign-in", sign_in),
    ("sign-out", sign_out),
]
urlpatterns = [path(f"{route}{slash}", view) for route, view in _ROUTES for slash in ("", "/")]
