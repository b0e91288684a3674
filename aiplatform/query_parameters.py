"""The parameters of an address, each with its bounds."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail


class QuerySerializer(serializers.Serializer[Any]):
    """The parameters of an address; one that does not exist is refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values. Raises ValidationError for names that do not exist."""
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else ()
        for name in sorted(unknown):
            text = f"There is no such parameter. There are {', '.join(self.fields)}."
            raise serializers.ValidationError(
                {name[:100]: [ErrorDetail(text, "unknown_parameter")]}
            )
        return super().to_internal_value(data)
