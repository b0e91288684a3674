"""The limits of a key, below it on its page."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from accounts.key_limit import PER_CHOICES
from accounts.key_settings import MAX_LIMITS
from accounts.models import Limit, Per


class KeyLimitFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # no generic at run time
    """The limits that came in together, no two of them on the same counter."""

    def clean(self) -> None:
        """Raise ValidationError where two limits count the same; the database would refuse them."""
        super().clean()
        counters: set[tuple[str, ...]] = set()
        for form in self.forms:
            unused = not form.has_changed() and form.instance.pk is None
            if unused or form.errors or form.cleaned_data.get("DELETE"):
                continue
            counter = form.instance.counter
            if counter in counters:
                raise ValidationError(f"Two limits count the same: {form.instance}.")
            counters.add(counter)


class KeyLimitInline(admin.TabularInline):  # type: ignore[type-arg]  # no generic at run time
    """What this key alone may have, beside its user's and plan's bounds: the tightest decides."""

    model = Limit
    fk_name = "api_key"
    formset = KeyLimitFormSet
    fields = ["resource", "window", "amount", "per", "model_name"]
    extra = 0
    max_num = MAX_LIMITS

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "per":
            kwargs |= {"choices": PER_CHOICES, "initial": Per.KEY}
        return super().formfield_for_choice_field(db_field, request, **kwargs)
