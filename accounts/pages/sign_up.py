"""Making oneself an account on a page."""

from typing import Final

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.api.sign_up.serializers import MAX_EMAIL, SignUpSerializer
from accounts.api.tokens.serializers import MAX_PASSWORD
from accounts.models import User
from accounts.rate_limits import MAX_NAME, attempt
from accounts.services.users import NameTaken, user_sign_up
from aiplatform.errors import ApiError, response_for

METHODS: Final = ("GET", "POST")
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


class SignUpForm(forms.Form):
    """Who wants an account; what may be given is what the API's sign-up lets through."""

    username = forms.CharField(
        label="User name",
        max_length=MAX_NAME,
        help_text="Letters, digits and @ . + - _ only.",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.EmailField(
        required=False,
        max_length=MAX_EMAIL,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a request's, or nothing
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean(self) -> None:
        """Hold what was given against the API's bounds."""
        if self.errors:
            return
        serializer = SignUpSerializer(data=self.cleaned_data)
        for name, problems in ({} if serializer.is_valid() else serializer.errors).items():
            self.add_error(name, [str(problem) for problem in problems])


@never_cache
@require_http_methods([*METHODS, "HEAD"])
def sign_up(request: HttpRequest) -> HttpResponseBase:
    """Make an account and sign in to it, where SIGN_UP_ENABLED says so."""
    if not settings.SIGN_UP_ENABLED:
        detail = "Signing up is switched off here. Ask whoever runs this for an account."
        return response_for(request, ApiError(403, "sign_up_disabled", detail))
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = _made(request, form)
        except NameTaken:
            form.add_error("username", "This name is taken. Choose another.")
        except ApiError as refused:
            form.add_error(None, refused.detail)
        else:
            login(request, user, _BACKEND)
            return redirect("/account/keys")
    status = 400 if form.errors else 200
    return render(request, "account/sign_up.html", {"form": form}, status=status)


sign_up.methods = METHODS  # type: ignore[attr-defined]  # what the table of routes is held to


def _made(request: HttpRequest, form: SignUpForm) -> User:
    fields = form.cleaned_data
    attempt(request, "sign_up", fields["username"])
    return user_sign_up(
        username=fields["username"], email=fields["email"], password=fields["password"]
    )
