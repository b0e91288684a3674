"""Pages of models: bounded, and a bound that is passed is told, not applied in silence."""

from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request


class _Window(serializers.Serializer):  # type: ignore[type-arg]  # no generic at run time
    limit = serializers.IntegerField(min_value=1, max_value=200, default=100)
    offset = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)


class ModelPagination(LimitOffsetPagination):
    """`limit` (1 to 200, 100 if absent) models from `offset` on."""

    default_limit = 100
    max_limit = 200

    def get_limit(self, request: Request) -> int:
        """Return how many. Raises ValidationError, naming the bound."""
        return self._read(request, "limit")

    def get_offset(self, request: Request) -> int:
        """Return from which on. Raises ValidationError, naming the bound."""
        return self._read(request, "offset")

    def _read(self, request: Request, name: str) -> int:
        window = _Window(data=request.query_params.dict())
        window.is_valid(raise_exception=True)
        value: int = window.validated_data[name]
        return value
