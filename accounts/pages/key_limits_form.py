"""A key's own limits on its page: each a row of fields, all of them saved as a whole."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME

from accounts.key_limit import MAX_AMOUNT, PER_CHOICES, key_limit
from accounts.key_settings import MAX_ENTRY, MAX_LIMITS, clean_models
from accounts.models import ApiKey, Limit, Per, Resource, Window
from accounts.selectors import limits_of
from aiplatform.errors import ApiError

PREFIX: Final = "limits"
# Shorter than elsewhere: what they mean stands beside them.
_RESOURCES: Final = [
    (one.value, "requests at once" if one == Resource.CONCURRENCY else one.value)
    for one in Resource
]
_AMOUNT: Final = re.compile(r"limits\[(\d+)\]\.amount")
_NOTHING: Final = hashlib.sha256(b"[]").hexdigest()


class KeyLimitForm(forms.Form):
    """One limit. A row that is not there yet is none until somebody gives it an amount."""

    limit: Limit  # once it is valid

    amount = forms.DecimalField(
        min_value=0,
        max_value=MAX_AMOUNT,
        max_digits=24,
        decimal_places=6,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any"}),
    )
    resource = forms.ChoiceField(label="Of what", choices=_RESOURCES, initial=Resource.TOKENS)
    window = forms.ChoiceField(label="In which time", choices=Window.choices, initial=Window.DAY)
    per = forms.ChoiceField(label="Counted for", choices=PER_CHOICES, initial=Per.KEY.value)
    model_name = forms.CharField(
        label="Model",
        required=False,
        max_length=MAX_ENTRY,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def has_changed(self) -> bool:
        """Return whether it says anything; what is chosen in a new row by itself says nothing."""
        said = {"amount", "model_name"} if self.empty_permitted else set(self.fields)
        return bool(said & set(self.changed_data))

    def clean_model_name(self) -> str:
        """Return a name in the form that models' names have."""
        name: str = self.cleaned_data["model_name"]
        return clean_models([name])[0] if name else name

    def clean(self) -> dict[str, Any]:
        """Return fields that go together. Raises ValidationError, naming the field."""
        fields: dict[str, Any] = {
            name: self.cleaned_data.get(name) for name in KeyLimitForm.base_fields
        }
        if not self.errors:
            self.limit = key_limit(**fields)
        return self.cleaned_data


class KeyLimitForms(forms.BaseFormSet):  # type: ignore[type-arg]  # no generic at run time
    """All limits of a key as they are, or as they came in, and one row more.

    No two of them are on the same counter.
    """

    form = KeyLimitForm
    extra = 1
    min_num = 0
    max_num = absolute_max = MAX_LIMITS
    validate_min = validate_max = can_order = False
    can_delete = True
    can_delete_extra = False
    renderer = None

    def __init__(self, data: Any = None, *, key: ApiKey | None = None) -> None:
        stored = limits_of(key) if key else []
        self.as_read = _fingerprint(stored)
        super().__init__(data, prefix=PREFIX, initial=[_fields_of(limit) for limit in stored])

    def kept(self) -> list[KeyLimitForm]:
        """Return the rows that are limits, and stay."""
        filled = (form for form in self.forms if form.has_changed() or not form.empty_permitted)
        return [form for form in filled if not form.cleaned_data.get(DELETION_FIELD_NAME)]

    def limits(self) -> list[Limit]:
        """Return what the key's limits are to be, once they are valid."""
        return [form.limit for form in self.kept()]

    def clean(self) -> None:
        """Raise ValidationError where two limits count the same, or others are there by now."""
        if self.data.get("limits_as_read", _NOTHING) != self.as_read:
            raise ValidationError(
                "Somebody else changed the limits since this page was opened. Open it again."
            )
        counters: set[tuple[str, ...]] = set()
        for form in self.kept():
            if form.errors:
                continue
            if form.limit.counter in counters:
                form.add_error(None, "Another limit above counts the same.")
            counters.add(form.limit.counter)

    def refuse(self, error: ApiError) -> bool:
        """Show a refusal at the limit that it is about; return whether it is about one."""
        named = _AMOUNT.fullmatch(error.param or "")
        if named is None:
            return False
        form = self.kept()[int(named[1])]
        form.add_error("amount", error.detail.removeprefix(f"{error.param}: "))
        return True

    def add_fields(self, form: Any, index: int | None) -> None:
        """Have each row of a limit that is there say how it is taken away."""
        super().add_fields(form, index)
        if DELETION_FIELD_NAME in form.fields:
            form.fields[DELETION_FIELD_NAME].label = "Remove this limit"


def _fields_of(limit: Limit) -> dict[str, Any]:
    return {
        "amount": f"{limit.amount.normalize():f}",
        "resource": limit.resource,
        "window": limit.window,
        "per": limit.per,
        "model_name": limit.model_name,
    }


def _fingerprint(limits: Iterable[Limit]) -> str:
    """Return what tells whether the limits are still those that somebody was shown."""
    rows = sorted([*limit.counter, f"{limit.amount.normalize():f}"] for limit in limits)
    return hashlib.sha256(repr(rows).encode()).hexdigest()
