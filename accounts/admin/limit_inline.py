"""Limits on the page of whose they are."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin.key_limits import KeyLimitFormSet
from accounts.errors import ConcurrentChange
from accounts.models import Limit
from accounts.services.limits import limit_delete, limit_write

_LOST_RACE: Final = (
    "Nothing was saved: somebody else changed this at the same moment. Look at it and try again."
)


class LimitInline(admin.TabularInline):  # type: ignore[type-arg]  # no generic at run time
    """Limits, one a line, no two of them on the same counter."""

    model = Limit
    formset = KeyLimitFormSet
    fields = ["resource", "window", "amount", "per", "model_name"]
    extra = 0
    max_num = 100

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Return the formset, which reads no more lines than it takes; Django would read 1,000
        more, each with queries of its own, before it refuses them.
        """
        return super().get_formset(request, obj, absolute_max=self.max_num, **kwargs)


class PlanLimitInline(LimitInline):
    """What everybody on the plan may have, each for themselves."""

    fk_name = "plan"


class UserLimitInline(LimitInline):
    """What this user may have, in the place of the plan's limits on the same counters."""

    fk_name = "user"
    verbose_name_plural = "limits of this user, each in the place of the plan's on the same counter"


class SavesLimits:
    """Has a page write its limits one by one, through the services that audit them."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Write what changed of one inline."""
        if formset.model is not Limit:
            super().save_formset(request, form, formset, change)  # type: ignore[misc]
            return
        changed = formset.save(commit=False)
        for limit in formset.deleted_objects:  # first: a new one may take its place
            limit_delete(limit=limit)
        for limit in changed:
            limit_write(limit=limit)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form or save it; what lost a race is told and the form shown anew."""
        try:
            view = super().changeform_view  # type: ignore[misc]
            answer: HttpResponse = view(request, object_id, form_url, extra_context)
        except (ConcurrentChange, IntegrityError):
            messages.error(request, _LOST_RACE)
            return HttpResponseRedirect(request.get_full_path())
        return answer
