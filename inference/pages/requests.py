"""The pages of one's history: a list with filters, and each request with what decided over it."""

import re
import uuid
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render

from accounts.pages.page import page
from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api.native.requests.explanation import explanation_of
from inference.gateway.cost_text import cost_text
from inference.gateway.models import Request, Status
from inference.gateway.selectors import RequestFilter, RequestPage, request_find, requests_page
from inference.pages.own_keys import key_choices
from inference.pages.prompt_texts import prompt_texts

ROWS: Final = 50
# The id as it is, or as a door answers with it: `chatcmpl-<id>`.
_ID: Final = re.compile(r"(?:[a-z_]{1,20}-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.I)
_DAY: Final = {"type": "date"}


class RequestFilterForm(forms.Form):
    """Which requests."""

    id = forms.CharField(
        label="Request id", max_length=80, required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )  # fmt: skip
    model = forms.CharField(max_length=100, required=False)
    status = forms.ChoiceField(choices=[("", "Any"), *Status.choices], required=False)
    key = forms.ChoiceField(label="API key", required=False)
    since = forms.DateTimeField(label="From", required=False, widget=forms.DateInput(attrs=_DAY))
    until = forms.DateTimeField(label="Before", required=False, widget=forms.DateInput(attrs=_DAY))
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, user_id: int) -> None:
        super().__init__(data)
        field = self.fields["key"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Any"), *key_choices(user_id, data.get("key", ""))]

    def clean_id(self) -> str:
        """Return the id as rows have it."""
        text: str = self.cleaned_data["id"].strip()
        match = _ID.fullmatch(text)
        if text and not match:
            raise forms.ValidationError("An id looks like 01890000-0000-7000-8000-000000000001.")
        return match[1] if match else ""


@page("GET")
def request_list(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One page of the requests that pass the filter, newest first."""
    form = RequestFilterForm(request.GET, user_id=principal.user_id)
    found = RequestPage([], None)
    if form.is_valid():
        if form.cleaned_data["id"]:
            return redirect(f"/account/requests/{form.cleaned_data['id']}")
        found = requests_page(wanted=_filter(form.cleaned_data, principal), limit=ROWS)
    context = {
        "form": form,
        "requests": found.requests,
        "following": _with(request.GET, str(found.following)) if found.following else "",
        "newest": _with(request.GET, "") if request.GET.get("before") else "",
        "is_filtered": any(value for name, value in request.GET.items() if name != "before"),
    }
    status = 400 if form.errors else 200
    return render(request, "account/requests.html", context, status=status)


@page("GET")
def request_detail(request: HttpRequest, principal: Principal, request_id: str) -> HttpResponseBase:
    """One request, its texts, and why it went as it did."""
    row = _own(principal, request_id)
    explained = explanation_of(row)
    body = getattr(row, "body", None)
    context = {
        "row": row,
        "cost": cost_text(row.cost_nano),
        "explanation": explained["explanation"],
        "limits": (explained["admission"] or {}).get("limits", []),
        "refused_by": (explained["admission"] or {}).get("refused_by"),
        "prompt": prompt_texts(body.prompt) if body else [],
        "completion": body.completion if body else "",
        "has_body": body is not None,
    }
    return render(request, "account/request.html", context)


def _own(principal: Principal, text: str) -> Request:
    match = _ID.fullmatch(text)
    found = match and request_find(request_id=uuid.UUID(match[1]), user_id=principal.user_id)
    if not found:
        detail = "There is no such request of yours. It may have been purged since."
        raise ApiError(404, "request_not_found", detail)
    return found


def _filter(asked: dict[str, Any], principal: Principal) -> RequestFilter:
    return RequestFilter(
        user_id=principal.user_id,
        key_id=int(asked["key"]) if asked["key"] else None,
        model_name=asked["model"],
        status=asked["status"],
        since=asked["since"],
        until=asked["until"],
        before=asked["before"],
    )


def _with(query: QueryDict, before: str) -> str:
    """Return the query of the same list from another place on."""
    changed = query.copy()
    changed.pop("before", None)
    if before:
        changed["before"] = before
    return f"?{changed.urlencode()}"
