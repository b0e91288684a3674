"""The page of one's usage: by day, model and key, and what is left of each limit."""

from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from accounts.limit_words import what_over
from accounts.models import ApiKey
from accounts.pages.page import page
from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.gateway.cost_text import cost_text
from inference.gateway.limits.counters import shown
from inference.gateway.limits.peek import LimitState, limits_peek_blocking
from inference.gateway.selectors_usage import UsageFilter, usage_sums
from inference.gateway.usage_days import SUMS
from inference.pages.charts import day_chart, share
from inference.pages.own_keys import key_choices

MAX_GROUPS: Final = 400  # a year of days; models and keys a page can still show
_DAYS: Final = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "A year")]


class UsageForm(forms.Form):
    """Which usage."""

    days = forms.ChoiceField(label="The last", choices=_DAYS, required=False)
    model = forms.CharField(max_length=100, required=False)
    key = forms.ChoiceField(label="API key", required=False)

    def __init__(self, data: Any, *, user_id: int) -> None:
        super().__init__(data)
        field = self.fields["key"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Every key"), *key_choices(user_id, data.get("key", ""))]


@page("GET")
def usage(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Show the sums as charts and as tables, and the limits."""
    form = UsageForm({"days": "30", **request.GET.dict()}, user_id=principal.user_id)
    wanted = _filter(form.cleaned_data, principal) if form.is_valid() else None
    context: dict[str, Any] = {"form": form, **_limits(principal)}
    if wanted is not None:
        context |= _sums(wanted)
    return render(request, "account/usage.html", context, status=400 if form.errors else 200)


def _filter(asked: dict[str, Any], principal: Principal) -> UsageFilter:
    until = timezone.now().date()
    return UsageFilter(
        since=until - timedelta(days=int(asked["days"] or 30) - 1),
        until=until,
        user_id=principal.user_id,
        key_id=int(asked["key"]) if asked["key"] else None,
        model_name=asked["model"],
    )


def _sums(wanted: UsageFilter) -> dict[str, Any]:
    by_day = usage_sums(wanted=wanted, group_by=["day"], limit=MAX_GROUPS) or []
    totals = {name: sum(one[name] for one in by_day) for name in SUMS}
    days = _every_day(wanted, by_day)
    tokens = [(day, one["prompt_tokens"], one["completion_tokens"]) for day, one in days]
    requests = [(day, one["requests"], 0) for day, one in days]
    used = [_told(one, str(day), totals) for day, one in reversed(days) if one["requests"]]
    return {
        "totals": {**totals, "cost": cost_text(totals["cost_nano"])},
        "tokens_chart": day_chart(tokens, ("prompt tokens", "completion tokens")),
        "requests_chart": day_chart(requests, ("requests", "")),
        "days": used,
        "models": _by_model(wanted, totals),
        "keys": _by_key(wanted, totals),
    }


def _every_day(
    wanted: UsageFilter, by_day: list[dict[str, Any]]
) -> list[tuple[date, dict[str, Any]]]:
    known = {one["day"]: one for one in by_day}
    nothing = dict.fromkeys(SUMS, 0)
    span = (wanted.until - wanted.since).days + 1
    days = [wanted.since + timedelta(days=offset) for offset in range(span)]
    return [(day, known.get(day, nothing)) for day in days]


def _by_model(wanted: UsageFilter, totals: dict[str, int]) -> list[dict[str, Any]] | None:
    groups = usage_sums(wanted=wanted, group_by=["model"], limit=MAX_GROUPS)
    if groups is None:
        return None
    return _largest(
        [_told(one, one["model_name"] or "no model was found", totals) for one in groups]
    )


def _by_key(wanted: UsageFilter, totals: dict[str, int]) -> list[dict[str, Any]] | None:
    groups = usage_sums(wanted=wanted, group_by=["key"], limit=MAX_GROUPS)
    if groups is None:
        return None
    ids = {one["api_key_id"] for one in groups}
    names = dict(ApiKey.objects.filter(id__in=ids).values_list("id", "name"))
    return _largest([_told(one, _key_name(one["api_key_id"], names), totals) for one in groups])


def _key_name(key_id: int, names: dict[int, str]) -> str:
    if not key_id:
        return "on pages, without a key"
    return names.get(key_id, "a key that is gone") or f"Unnamed key {key_id}"


def _told(group: dict[str, Any], name: str, totals: dict[str, int]) -> dict[str, Any]:
    tokens = group["prompt_tokens"] + group["completion_tokens"]
    whole = totals["prompt_tokens"] + totals["completion_tokens"]
    return {
        "name": name,
        "requests": group["requests"],
        "tokens": tokens,
        "cost": cost_text(group["cost_nano"]),
        "share": share(tokens, whole),
    }


def _largest(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(groups, key=lambda one: (-one["tokens"], one["name"]))


def _limits(principal: Principal) -> dict[str, Any]:
    """Return the limits as they stand, or why nobody knows just now."""
    try:
        return {"limits": [_limit(state) for state in limits_peek_blocking(principal)]}
    except ApiError as refused:
        return {"limits_unknown": refused.detail}


def _limit(state: LimitState) -> dict[str, Any]:
    rule = state.rule
    taken = state.used + state.reserved
    return {
        "what": what_over(rule.resource, rule.window),
        "of": rule.model_name,
        "per": rule.per.replace("_", " and "),
        "source": rule.source,
        "limit": shown(rule.resource, rule.amount),
        "left": shown(rule.resource, state.remaining),
        "taken": min(100.0, share(taken, rule.amount)) if rule.amount else 100.0,
        "resets_in": state.resets_ms / 1000,
    }
