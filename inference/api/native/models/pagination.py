"""Pages of models: bounded, and a bound that is passed is told, not applied in silence."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

_LIMIT: Final = {"minimum": 1, "maximum": 200, "default": 100}
_OFFSET: Final = {"minimum": 0, "maximum": 1_000_000, "default": 0}


def _integer(bounds: dict[str, int]) -> serializers.IntegerField:
    low, high, default = bounds.values()
    return serializers.IntegerField(min_value=low, max_value=high, default=default)


class _Window(serializers.Serializer[Any]):
    limit = _integer(_LIMIT)
    offset = _integer(_OFFSET)


class ModelPagination(LimitOffsetPagination):
    """`limit` (1 to 200, 100 if absent) models from `offset` on."""

    default_limit = _LIMIT["default"]
    max_limit = _LIMIT["maximum"]

    def get_limit(self, request: Request) -> int:
        """Return how many. Raises ValidationError, naming the bound."""
        return self._read(request, "limit")

    def get_offset(self, request: Request) -> int:
        """Return from which on. Raises ValidationError, naming the bound."""
        return self._read(request, "offset")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the two parameters with their bounds, for the OpenAPI schema."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter, bounds in zip(parameters, (_LIMIT, _OFFSET), strict=True):
            parameter["schema"].update(bounds)
        return parameters

    def _read(self, request: Request, name: str) -> int:
        window = _Window(data=request.query_params.dict())
        window.is_valid(raise_exception=True)
        value: int = window.validated_data[name]
        return value
