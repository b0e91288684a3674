"""The pages of one's keys: list, make, change, rotate, revoke."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from accounts import key_format
from accounts.api.keys.serializers import STATES
from accounts.models import ApiKey, User
from accounts.pages.key_form import KeyForm, RotationForm
from accounts.pages.key_limits_form import KeyLimitForms
from accounts.pages.page import page
from accounts.principal import Principal
from accounts.rate_limits import attempt
from accounts.selectors import keys_listed, keys_visible
from accounts.services import (
    api_key_revoke,
    managed_key_create,
    managed_key_rotate,
    managed_key_update,
)
from aiplatform.errors import ApiError

ROWS: Final = 50


@page("GET")
def key_list(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One page of one's keys in one state, newest first."""
    state = request.GET.get("state", "active")
    if state not in (*STATES, "all"):
        detail = f"state: There are {', '.join(STATES)} and all."
        raise ApiError(400, "invalid_request", detail, param="state")
    keys = keys_listed(
        keys_visible(principal),
        owner=principal.username,
        state=None if state == "all" else state,
    )
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        keys = keys.filter(id__lt=int(before))
    rows = list(keys.order_by("-id")[: ROWS + 1])
    context = {
        "keys": rows[:ROWS],
        "state": state,
        "states": [*STATES, "all"],
        "following": rows[ROWS - 1].id if len(rows) > ROWS else None,
        "is_first": not before,
    }
    return render(request, "account/keys.html", context)


@page("GET", "POST")
def key_new(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Ask for a key's settings, and show the key that was made with them, once."""
    form = KeyForm(request.POST or None, is_admin=principal.is_admin)
    limits = KeyLimitForms(request.POST or None)
    if request.method == "POST" and _are_valid(form, limits):
        try:
            attempt(request, "key_creation", principal.username)
            owner = User.objects.get(id=principal.user_id)
            made = managed_key_create(
                principal=principal, owner=owner, settings=form.settings(), limits=limits.limits()
            )
        except ApiError as refused:
            _refuse(form, limits, refused)
        else:
            return _made(request, *made)
    return _with_forms(request, "account/key_new.html", form, limits, {})


@page("GET", "POST")
def key_detail(request: HttpRequest, principal: Principal, key_id: int) -> HttpResponseBase:
    """Show one key, and change its settings."""
    key = _own(principal, key_id)
    form = KeyForm(request.POST or None, is_admin=principal.is_admin, key=key)
    limits = KeyLimitForms(request.POST or None, key=key)
    if request.method == "POST" and _are_valid(form, limits):
        try:
            managed_key_update(
                principal=principal, key=key, settings=form.settings(), limits=limits.limits()
            )
        except ApiError as refused:
            _refuse(form, limits, refused)
        else:
            messages.success(request, "The key is changed; that holds everywhere within a second.")
            return redirect(f"/account/keys/{key.id}")
    context = {"key": key, "prefix": _prefix(key), "rotation": RotationForm()}
    return _with_forms(request, "account/key.html", form, limits, context)


@page("POST")
def key_rotate(request: HttpRequest, principal: Principal, key_id: int) -> HttpResponseBase:
    """Put a new key in the place of one, and show it, once."""
    key = _own(principal, key_id)
    form = RotationForm(request.POST)
    if not form.is_valid():
        raise ApiError(400, "invalid_request", "grace: Choose one of those offered.", param="grace")
    attempt(request, "key_creation", principal.username)
    made = managed_key_rotate(principal=principal, key=key, grace=form.grace_period())
    return _made(request, *made)


@page("POST")
def key_revoke(request: HttpRequest, principal: Principal, key_id: int) -> HttpResponseBase:
    """End a key for good."""
    key = _own(principal, key_id)
    if api_key_revoke(key_id=key.id):
        messages.success(request, f"{key.name or _prefix(key)} is revoked and works nowhere now.")
    return redirect("/account/keys")


def _own(principal: Principal, key_id: int) -> ApiKey:
    return get_object_or_404(keys_visible(principal), id=key_id, user=principal.user_id)


def _made(request: HttpRequest, key: ApiKey, text: str) -> HttpResponse:
    # Shown in the answer itself: to be shown after a redirect it would have to be kept somewhere.
    context = {"key": key, "text": text, "base": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "account/key_made.html", context)


def _are_valid(form: KeyForm, limits: KeyLimitForms) -> bool:
    return all([form.is_valid(), limits.is_valid()])  # both are looked at, whatever the first is


def _refuse(form: KeyForm, limits: KeyLimitForms, refused: ApiError) -> None:
    if not limits.refuse(refused):
        form.refuse(refused)


def _with_forms(
    request: HttpRequest,
    template: str,
    form: KeyForm,
    limits: KeyLimitForms,
    context: dict[str, Any],
) -> HttpResponse:
    status = 400 if form.errors or (limits.is_bound and limits.total_error_count()) else 200
    shown = {"form": form, "limits": limits, **context}
    return render(request, template, shown, status=status)


def _prefix(key: ApiKey) -> str:
    return f"{key_format.PREFIX}_{key.public_id}"
