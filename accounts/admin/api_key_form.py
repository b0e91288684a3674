"""The form of an API key in the admin."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import scopes
from accounts.key_settings import clean_models, clean_networks
from accounts.models import ApiKey


class LinesField(forms.CharField):
    """A list, one entry a line."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 40})

    def __init__(self, *, cleaner: Callable[[list[str]], list[str]], **options: Any) -> None:
        super().__init__(**options)
        self._cleaner = cleaner

    def prepare_value(self, value: Any) -> Any:
        """Return the stored list as the text that is edited; a text that came in stays."""
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> list[str]:
        """Return the entries as they are kept. Raises ValidationError, naming the bound."""
        lines = [line.strip() for line in super().clean(value).splitlines()]
        return self._cleaner([line for line in lines if line])


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """What is asked when a key is made or changed."""

    scopes = forms.MultipleChoiceField(
        choices=[(name, f"{name} — {text}") for name, text in scopes.DESCRIPTIONS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=scopes.DEFAULT,
        required=False,
        help_text="What the key may be used for. None: nothing.",
    )
    allowed_models = LinesField(
        cleaner=clean_models,
        required=False,
        help_text="Names of models, one a line. Empty: every model.",
    )
    allowed_networks = LinesField(
        cleaner=clean_networks,
        required=False,
        help_text="Networks like 10.0.0.0/8, or addresses, one a line. Empty: anywhere.",
    )

    class Meta:
        model = ApiKey
        fields = [
            "user",
            "name",
            "expires_at",
            "scopes",
            "allowed_models",
            "allowed_networks",
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
