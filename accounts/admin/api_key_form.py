"""The form of an API key in the admin."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import scopes
from accounts.models import ApiKey

MAX_MODELS = 100
MAX_MODEL_NAME = 100


class NamesField(forms.CharField):
    """A list of names, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 40})

    def prepare_value(self, value: Any) -> Any:
        """Return the stored list as the text that is edited; a text that came in stays."""
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> list[str]:
        """Return the names, sorted, each once. Raises ValidationError, naming the bound."""
        names = sorted({line.strip() for line in super().clean(value).splitlines()} - {""})
        if len(names) > MAX_MODELS:
            raise ValidationError(f"{len(names)} names; {MAX_MODELS} are the most a key may have.")
        for name in names:
            if len(name) > MAX_MODEL_NAME:
                raise ValidationError(f"A name has at most {MAX_MODEL_NAME} characters.")
        return names


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """What is asked when a key is made or changed."""

    scopes = forms.MultipleChoiceField(
        choices=[(name, f"{name} — {text}") for name, text in scopes.DESCRIPTIONS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=scopes.DEFAULT,
        required=False,
        help_text="What the key may be used for. None: nothing.",
    )
    allowed_models = NamesField(
        required=False,
        help_text="Names of models, one a line. Empty: every model.",
    )

    class Meta:
        model = ApiKey
        fields = [
            "user",
            "name",
            "expires_at",
            "scopes",
            "allowed_models",
            "store_bodies",
        ]
        help_texts = {
            "name": "To tell keys apart: what uses it, and where.",
            "expires_at": "Empty: never. A key that is no longer needed is revoked.",
        }

    def clean_expires_at(self) -> datetime | None:
        """Return the moment, which for a new key lies ahead."""
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment and self.instance.pk is None and moment <= timezone.now():
            raise ValidationError("This moment has passed; the key would never work.")
        return moment
