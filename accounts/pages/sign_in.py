"""Signing in and out on a page, with the attempts counted."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.api.tokens.serializers import MAX_PASSWORD
from accounts.rate_limits import attempt
from aiplatform.errors import ApiError

_WRONG: Final = "This user name and password do not go together. Mind upper and lower case."


class SignInForm(AuthenticationForm):
    """Who one is."""

    error_messages = {"invalid_login": _WRONG, "inactive": _WRONG}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"
        password = self.fields["password"]
        assert isinstance(password, forms.CharField)
        password.max_length = MAX_PASSWORD
        password.widget.attrs["maxlength"] = MAX_PASSWORD


class SignIn(LoginView):
    """The page; attempts count together with those at `/api/v1/auth/token` and in the admin."""

    template_name = "account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"sign_up_open": settings.SIGN_UP_ENABLED}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in, or say on the same page why not."""
        try:
            attempt(request, "sign_in", request.POST.get("username", ""))
        except ApiError as refused:
            return self._refused(refused)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again; only the password is asked for anew."""
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def _refused(self, error: ApiError) -> HttpResponse:
        form = SignInForm(self.request, initial={"username": self.request.POST.get("username")})
        context = self.get_context_data(form=form, refusal=error.detail)
        return self.render_to_response(context, status=error.status, headers=error.headers())


sign_in: Any = SignIn.as_view()
sign_in.methods = ("GET", "POST")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """End the session; not by GET, so that no other page's image can do it."""
    logout(request)
    return redirect("/")


sign_out.methods = ("POST",)  # type: ignore[attr-defined]
