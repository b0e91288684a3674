"""The pages of one's webhooks: list, make, change, rotate, test, delete; what was sent."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from accounts.pages.page import page
from accounts.principal import Principal
from accounts.rate_limits import attempt
from aiplatform.errors import ApiError
from inference.jobs.webhooks.models import Endpoint
from inference.jobs.webhooks.selectors import deliveries_of, endpoints_of
from inference.jobs.webhooks.services import (
    MAX_ENDPOINTS,
    ConcurrentChange,
    DeliveryNotOver,
    TooManyEndpoints,
    delivery_redeliver,
    endpoint_create,
    endpoint_delete,
    endpoint_rotate,
    endpoint_update,
    webhook_test,
)
from inference.pages.webhook_form import SecretForm, WebhookForm

LIST: Final = "/account/webhooks"
ROWS: Final = 25
_MEANWHILE: Final = "Somebody else changed this webhook at the same moment. Look and try again."


@page("GET")
def webhook_list(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """All of one's endpoints; there are few."""
    endpoints = endpoints_of(principal.user_id)[:MAX_ENDPOINTS]
    return render(request, "account/webhooks.html", {"endpoints": endpoints})


@page("GET", "POST")
def webhook_new(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Ask for an endpoint's settings, and show its secret, once."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            attempt(request, "webhook", principal.username)
            endpoint, secret = endpoint_create(user_id=principal.user_id, **form.cleaned_data)
        except ApiError as refused:
            form.add_error(None, refused.detail)
        except TooManyEndpoints:
            form.add_error(None, f"You have {MAX_ENDPOINTS} webhooks, the most. Delete some.")
        else:
            return _secret(request, endpoint, secret)
    return _with_form(request, "account/webhook_new.html", form, {})


@page("GET", "POST")
def webhook_detail(
    request: HttpRequest, principal: Principal, endpoint_id: int
) -> HttpResponseBase:
    """One endpoint with what was sent to it, and changing it."""
    endpoint = _own(principal, endpoint_id)
    form = WebhookForm(request.POST or None, endpoint=endpoint)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint_update(endpoint=endpoint, fields=form.cleaned_data)
        except ConcurrentChange:
            form.add_error(None, _MEANWHILE)
        else:
            messages.success(request, "The webhook is changed.")
            return redirect(f"{LIST}/{endpoint.pk}")
    before = request.GET.get("before", "")
    rows = deliveries_of(endpoint).order_by("-id")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(id__lt=int(before))
    deliveries = list(rows[: ROWS + 1])
    context = {
        "endpoint": endpoint,
        "secret_form": SecretForm(),
        "deliveries": deliveries[:ROWS],
        "following": deliveries[ROWS - 1].pk if len(deliveries) > ROWS else None,
        "is_first": not before,
    }
    return _with_form(request, "account/webhook.html", form, context)


@page("POST")
def webhook_rotate(
    request: HttpRequest, principal: Principal, endpoint_id: int
) -> HttpResponseBase:
    """Give an endpoint a new secret, and show it, once."""
    endpoint = _own(principal, endpoint_id)
    form = SecretForm(request.POST)
    if not form.is_valid():
        detail = "overlap: Choose one of those offered."
        raise ApiError(400, "invalid_request", detail, param="overlap")
    attempt(request, "webhook", principal.username)
    try:
        secret = endpoint_rotate(endpoint=endpoint, overlap=form.overlap_period())
    except ConcurrentChange as error:
        raise ApiError(409, "concurrent_change", _MEANWHILE) from error
    return _secret(request, endpoint, secret)


@page("POST")
def webhook_try(request: HttpRequest, principal: Principal, endpoint_id: int) -> HttpResponseBase:
    """Send an endpoint the event `webhook.test`."""
    endpoint = _own(principal, endpoint_id)
    attempt(request, "webhook", principal.username)
    if endpoint.enabled:
        webhook_test(endpoint=endpoint)
        messages.success(request, "A test is on its way; how it went stands below in a moment.")
    else:
        messages.error(request, "The webhook is switched off. Switch it on first.")
    return redirect(f"{LIST}/{endpoint.pk}")


@page("POST")
def webhook_redeliver(
    request: HttpRequest, principal: Principal, endpoint_id: int, delivery_id: int
) -> HttpResponseBase:
    """Send what was sent before once more."""
    endpoint = _own(principal, endpoint_id)
    delivery = get_object_or_404(deliveries_of(endpoint), id=delivery_id)
    attempt(request, "webhook", principal.username)
    try:
        delivery_redeliver(delivery=delivery)
    except DeliveryNotOver as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "It is sent again, with the same id.")
    return redirect(f"{LIST}/{endpoint.pk}")


@page("POST")
def webhook_delete(
    request: HttpRequest, principal: Principal, endpoint_id: int
) -> HttpResponseBase:
    """Delete an endpoint, with the log of its deliveries."""
    endpoint_delete(endpoint=_own(principal, endpoint_id))
    messages.success(request, "The webhook is deleted.")
    return redirect(LIST)


def _own(principal: Principal, endpoint_id: int) -> Endpoint:
    return get_object_or_404(endpoints_of(principal.user_id), id=endpoint_id)


def _secret(request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
    return render(request, "account/webhook_secret.html", {"endpoint": endpoint, "secret": secret})


def _with_form(
    request: HttpRequest, template: str, form: WebhookForm, context: dict[str, Any]
) -> HttpResponse:
    status = 400 if form.errors else 200
    return render(request, template, {"form": form, **context}, status=status)
