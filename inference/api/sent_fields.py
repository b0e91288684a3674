"""A serializer that looks at what was sent, where DRF asks each of its fields what is not there.

Of the thirty that a chat completion may have, most requests send three.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rest_framework import serializers
from rest_framework.fields import SkipField, empty


class SentFields(serializers.Serializer[Any]):
    """Validates JSON objects; has no read-only fields, validators or `validate_<field>` methods."""

    @cached_property
    def known(self) -> frozenset[str]:
        """The names of all fields."""
        return frozenset(self.fields)

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields' values. Raises ValidationError that names every field at fault."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # which says so
        values: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, field, always in self._in_order:
            if always or name in data:
                try:
                    values[name] = field.run_validation(data.get(name, empty))
                except serializers.ValidationError as refused:
                    errors[name] = refused.detail
                except SkipField:
                    pass
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def run_validators(self, value: Any) -> None:
        """Run none: DRF goes through all fields before it finds that there are none."""

    @cached_property
    def _in_order(self) -> list[tuple[str, Any, bool]]:
        """Each field, and whether it has something to say when it was not sent."""
        return [
            (name, field, field.required or field.default is not empty)
            for name, field in self.fields.items()
        ]
