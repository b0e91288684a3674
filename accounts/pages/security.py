"""The page of one's password and of where one is signed in."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from accounts.api.tokens.serializers import MAX_PASSWORD
from accounts.models import User
from accounts.own_sessions import session_end, sessions_end_others, sessions_of
from accounts.pages.page import page
from accounts.principal import Principal
from accounts.rate_limits import attempt
from aiplatform.errors import ApiError

HOME: Final = "/account/security"


class NewPasswordForm(PasswordChangeForm):
    """The password so far, and the new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Password so far"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].label = "New password"
        self.fields["new_password2"].label = "New password again"
        for field in self.fields.values():
            assert isinstance(field, forms.CharField)
            field.max_length = MAX_PASSWORD
            field.widget.attrs["maxlength"] = MAX_PASSWORD


@page("GET")
def security(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Show both."""
    return _shown(request, principal, NewPasswordForm(_user(principal)))


@page("POST")
def password_change(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Set a new password. All other sessions end with the old one."""
    user = _user(principal)
    form = NewPasswordForm(user, request.POST)
    try:
        attempt(request, "sign_in", principal.username)  # the old one could be guessed here
    except ApiError as refused:
        messages.error(request, refused.detail)
        return redirect(HOME)
    if not form.is_valid():
        return _shown(request, principal, form)
    form.save()
    update_session_auth_hash(request, user)
    sessions_end_others(user_id=principal.user_id, current=request.session)
    messages.success(request, "The password is changed. Everywhere else you are signed out.")
    return redirect(HOME)


@page("POST")
def sessions_end(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """End one session, or all but this one."""
    handle = request.POST.get("session", "")
    if handle == "others":
        ended = sessions_end_others(user_id=principal.user_id, current=request.session)
        messages.success(request, f"{ended} other sessions have ended.")
    elif session_end(user_id=principal.user_id, handle=handle):
        messages.success(request, "That session has ended.")
    return redirect(HOME)


def _user(principal: Principal) -> User:
    return User.objects.get(id=principal.user_id)


def _shown(request: HttpRequest, principal: Principal, form: NewPasswordForm) -> HttpResponse:
    context = {
        "form": form,
        "sessions": sessions_of(user_id=principal.user_id, current=request.session),
    }
    status = 400 if form.errors else 200
    return render(request, "account/security.html", context, status=status)
