"""What is asked when a key is made or changed on its page."""

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from accounts import scopes
from accounts.key_settings import KeySettings, clean_models, clean_networks
from accounts.lines_field import LinesField
from accounts.models import ApiKey
from aiplatform.errors import ApiError

MAX_NAME: Final = ApiKey._meta.get_field("name").max_length or 0
MAX_LINES: Final = 10_000  # characters of a list: more than as many entries as there may be need
_NEVER: Final = "never"
_UNCHANGED: Final = "unchanged"
_DAYS: Final = (7, 30, 90, 365)
_LATER: Final = [(str(days), f"In {days} days") for days in _DAYS]
_GRACES: Final = [("0", "At once"), ("3600", "After an hour"), ("86400", "After a day"),
                  ("604800", "After a week")]  # fmt: skip


class KeyForm(forms.Form):
    """A key's settings. `key` is the one that is changed; without it one is made."""

    name = forms.CharField(
        max_length=MAX_NAME,
        required=False,
        help_text="To tell keys apart: what uses it, and where.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    expires = forms.ChoiceField(label="Ends", choices=[*_LATER, (_NEVER, "Never")], initial="90")
    scopes = forms.MultipleChoiceField(
        label="What it may be used for", required=False, widget=forms.CheckboxSelectMultiple
    )
    allowed_models = LinesField(
        cleaner=clean_models,
        label="Models",
        required=False,
        max_length=MAX_LINES,
        help_text="Names, one a line. Empty: every model.",
    )
    allowed_networks = LinesField(
        cleaner=clean_networks,
        label="Networks",
        required=False,
        max_length=MAX_LINES,
        help_text="Networks like 10.0.0.0/8, or addresses, one a line. Empty: from anywhere.",
    )
    store_bodies = forms.BooleanField(
        label="Keep prompts and answers in the history",
        required=False,
        initial=True,
        help_text="Without them the history still has who, when, how much and how long.",
    )

    def __init__(self, data: Any = None, *, is_admin: bool, key: ApiKey | None = None) -> None:
        super().__init__(data, initial=_initial_of(key))
        self._key = key
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        offered = scopes.ALL if is_admin else scopes.ALL - scopes.ADMINS_ONLY
        offered = offered | set(key.scopes if key else ())
        field.choices = [
            (name, f"{name} — {text}")
            for name, text in scopes.DESCRIPTIONS.items()
            if name in offered
        ]
        if key is not None:
            ends = self.fields["expires"]
            assert isinstance(ends, forms.ChoiceField)
            ends.choices = [(_UNCHANGED, "As it is"), *_LATER, (_NEVER, "Never")]

    def settings(self) -> KeySettings:
        """Return what was asked for, once it is valid."""
        cleaned = self.cleaned_data
        return {
            "name": cleaned["name"],
            "scopes": sorted(cleaned["scopes"]),
            "allowed_models": cleaned["allowed_models"],
            "allowed_networks": cleaned["allowed_networks"],
            "expires_at": self._end(cleaned["expires"]),
            "store_bodies": cleaned["store_bodies"],
        }

    def refuse(self, error: ApiError) -> None:
        """Show a refusal at the field that it is about."""
        field = {"expires_at": "expires"}.get(error.param or "", error.param)
        detail = error.detail.removeprefix(f"{error.param}: ")
        self.add_error(field if field in self.fields else None, detail)

    def _end(self, choice: str) -> datetime | None:
        if choice == _UNCHANGED and self._key is not None:
            return self._key.expires_at
        return None if choice == _NEVER else timezone.now() + timedelta(days=int(choice))


class RotationForm(forms.Form):
    """How a key is replaced by a new one."""

    grace = forms.ChoiceField(label="The old key ends", choices=_GRACES, initial="86400")

    def grace_period(self) -> timedelta:
        """Return how long the old key still works, once it is valid."""
        return timedelta(seconds=int(self.cleaned_data["grace"]))


def _initial_of(key: ApiKey | None) -> dict[str, Any]:
    if key is None:
        return {"scopes": scopes.DEFAULT}
    return {
        "name": key.name,
        "expires": _UNCHANGED,
        "scopes": key.scopes,
        "allowed_models": key.allowed_models,
        "allowed_networks": key.allowed_networks,
        "store_bodies": key.store_bodies,
    }
