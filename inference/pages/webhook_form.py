"""What is asked when a webhook is made or changed on its page."""

from datetime import timedelta
from typing import Any, Final

from django import forms

from inference.api.native.webhooks.serializers import MAX_DESCRIPTION
from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.models import Endpoint
from inference.jobs.webhooks.target import MAX_URL, UrlRefused, target_of

_OVERLAPS: Final = [("0", "At once"), ("3600", "After an hour"), ("86400", "After a day"),
                    ("604800", "After a week")]  # fmt: skip


class WebhookForm(forms.Form):
    """An endpoint's settings. `enabled` is there for one that is changed."""

    url = forms.CharField(
        label="Address",
        max_length=MAX_URL,
        help_text="https, at a public address.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    description = forms.CharField(max_length=MAX_DESCRIPTION, required=False)
    events = forms.MultipleChoiceField(
        label="What it is told of",
        choices=[(name, f"{name} — {text}") for name, text in event_types.DESCRIPTIONS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    enabled = forms.BooleanField(
        label="Send events there",
        required=False,
        initial=True,
        help_text="Without it nothing is sent, and what still waits is given up.",
    )

    def __init__(self, data: Any = None, *, endpoint: Endpoint | None = None) -> None:
        super().__init__(data, initial=_initial_of(endpoint))

    def clean_url(self) -> str:
        """Return the address as it is kept, or say why it is refused."""
        try:
            return target_of(self.cleaned_data["url"]).url
        except UrlRefused as refused:
            raise forms.ValidationError(str(refused)) from refused


class SecretForm(forms.Form):
    """How a secret is replaced."""

    overlap = forms.ChoiceField(
        label="The old secret stops signing", choices=_OVERLAPS, initial="86400"
    )

    def overlap_period(self) -> timedelta:
        """Return how long the old secret signs as well, once it is valid."""
        return timedelta(seconds=int(self.cleaned_data["overlap"]))


def _initial_of(endpoint: Endpoint | None) -> dict[str, Any]:
    if endpoint is None:
        return {"events": [event_types.JOB_COMPLETED, event_types.JOB_FAILED]}
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "enabled": endpoint.enabled,
    }
