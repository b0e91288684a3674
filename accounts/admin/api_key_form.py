"""The form of an API key in the admin."""

from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import scopes
from accounts.key_settings import clean_models, clean_networks
from accounts.lines_field import LinesField
from accounts.models import ApiKey


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
