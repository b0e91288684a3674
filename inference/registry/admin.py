"""Models in the admin: what is served, how it is right now, and the switches."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from aiplatform.admin_lists import RefusingChangeList
from inference.registry.admin_form import ModelForm
from inference.registry.live import attach_live
from inference.registry.models import Model
from inference.registry.services import ConcurrentChangeError, model_delete, model_save

# Each on the admin's light pages and on its dark ones.
_GOOD = "light-dark(#2e7d32, #66bb6a)"
_BUSY = "light-dark(#8f5600, #ffb74d)"
_BAD = "light-dark(#c62828, #ef9a9a)"
_COLOURS = {"ready": _GOOD, "loading": _BUSY, "fetching": _BUSY, "stuck": _BAD, "failed": _BAD}

_LOST_RACE = "Somebody else changed the model at the same moment. Look at it and try again."


class LiveChangeList(RefusingChangeList):
    """A list that asks the directory once for all of its rows."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows and how each is right now."""
        super().get_results(request)
        self.result_list = list(self.result_list)  # read once, kept
        attach_live(self.result_list)


@admin.register(Model)
class RegistryModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """The registry."""

    form = ModelForm
    list_display = ["name", "state", "requests", "enabled", "role", "computed_on", "context"]
    list_filter = ["enabled", "task"]
    search_fields = ["name", "description"]
    show_facets = admin.ShowFacets.NEVER
    actions = ["enable", "disable", "make_default"]
    fieldsets = [
        (None, {"fields": ["name", "task", "description", "enabled", "is_default"]}),
        ("Weights", {"fields": ["source", "revision", "licence", "dtype"]}),
        (
            "What it may take",
            {
                "fields": [
                    *("device", "threads", "context_length", "max_output_tokens"),
                    *("slots", "max_queue"),
                ]
            },
        ),
        (
            "Sampling, for callers who name none",
            {"fields": ["default_temperature", "default_top_p"]},
        ),
        ("Prices", {"fields": ["price_prompt", "price_completion", "price_image"]}),
        ("Computed once for all users", {"fields": ["shared_prompts"]}),
    ]
    now = ("Right now", {"fields": ["state", "doing", "replicas", "created_at", "updated_at"]})

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*self.fieldsets, self.now] if obj else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ["name", *self.now[1]["fields"]] if obj else []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LiveChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        model: Model | None = super().get_object(request, object_id, from_field)
        if model is not None:
            attach_live([model])
        return model

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form or save it; what lost a race is told and the form shown anew."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ConcurrentChangeError:
            messages.error(request, _LOST_RACE)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        model_save(model=obj, fields={name: form.cleaned_data[name] for name in form.changed_data})

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        model_delete(model=obj)

    @admin.action(description="Enable: start a runner for each", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Have the selected models served."""
        self._save_all(request, queryset, {"enabled": True})

    @admin.action(description="Disable: end their runners, free the memory", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Have the selected models served no more."""
        self._save_all(request, queryset, {"enabled": False})

    @admin.action(description="Make the default of its task", permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Have the selected model answer requests that name none."""
        self._save_all(request, queryset, {"is_default": True})

    @admin.display(description="state")
    def state(self, model: Model) -> SafeString:
        """Return the live state, coloured."""
        live = model.live
        text = f"{live.state} {live.progress:.0%}" if 0 < live.progress < 1 else live.state
        colour = _COLOURS.get(live.state, "inherit")
        return format_html('<b style="color:{}" title="{}">{}</b>', colour, live.detail, text)

    @admin.display(description="running")
    def requests(self, model: Model) -> int:
        """Return how many requests are being answered."""
        return model.live.running

    @admin.display(description="task", ordering="task")
    def role(self, model: Model) -> str:
        """Return what it does, and whether it answers who names no model."""
        return f"{model.task} (default)" if model.is_default else model.task

    @admin.display(description="device", ordering="device")
    def computed_on(self, model: Model) -> str:
        """Return where its replicas are computed; without any, where they may be."""
        found = sorted({one.device for one in model.live.replicas if one.device})
        return ", ".join(found) or model.device

    @admin.display(description="context", ordering="context_length")
    def context(self, model: Model) -> int:
        """Return its length in tokens, under a title as short as it."""
        return model.context_length

    @admin.display(description="detail")
    def doing(self, model: Model) -> str:
        """Return what it is doing or why it failed."""
        return model.live.detail or "-"

    @admin.display(description="replicas")
    def replicas(self, model: Model) -> SafeString | str:
        """Return a line a replica."""
        lines = (
            (
                *(one.id, one.state, f" on {one.device}" if one.device else ""),
                *(one.running, one.slots, one.waiting, one.resident_bytes >> 20),
            )
            for one in model.live.replicas
        )
        form = "{}: {}{}, {} of {} slots, {} waiting, {} MiB"
        return format_html_join(mark_safe("<br>"), form, lines) or "-"

    def _save_all(
        self, request: HttpRequest, queryset: QuerySet[Model], fields: dict[str, Any]
    ) -> None:
        saved = [model.name for model in queryset if self._save(request, model, fields)]
        if saved:
            messages.success(request, f"Changed: {', '.join(saved)}.")

    def _save(self, request: HttpRequest, model: Model, fields: dict[str, Any]) -> bool:
        try:
            model_save(model=model, fields=fields)
        except ValidationError as error:
            messages.error(request, f"{model.name}: {' '.join(error.messages)}")
        except ConcurrentChangeError:
            messages.error(request, f"{model.name}: {_LOST_RACE}")
        else:
            return True
        return False
