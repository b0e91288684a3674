"""Signing in to the admin, with the attempts counted."""

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.rate_limits import attempt
from aiplatform.errors import ApiError, response_for


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The admin's own page; attempts count together with those at `/api/v1/auth/token`."""
    if request.method == "POST":
        try:
            attempt(request, "sign_in", request.POST.get("username", ""))
        except ApiError as refused:
            return response_for(request, refused)
    return admin.site.login(request)
