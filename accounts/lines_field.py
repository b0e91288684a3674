"""A field of a form that takes a list."""

from collections.abc import Callable
from typing import Any

from django import forms


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
