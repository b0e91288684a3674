"""A limit of a key at the edge."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.key_limit import MAX_AMOUNT, PER_CHOICES, key_limit
from accounts.key_settings import MAX_LIMITS, clean_models
from accounts.models import Limit, Per, Resource, Window


@extend_schema_field({"type": "number", "minimum": 0, "maximum": MAX_AMOUNT})
class AmountField(serializers.DecimalField):
    """A number, as JSON writes it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_digits=24, decimal_places=6, min_value=0, max_value=MAX_AMOUNT, **options
        )

    def to_representation(self, value: Decimal) -> int | float:  # type: ignore[override]
        return int(value) if value == value.to_integral_value() else float(value)


class KeyLimitListSerializer(serializers.ListSerializer[Any]):
    """All limits of a key, no two on the same counter."""

    def to_internal_value(self, data: Any) -> list[Limit]:
        limits = [Limit(**fields) for fields in super().to_internal_value(data)]
        first: dict[tuple[str, ...], int] = {}
        for index, limit in enumerate(limits):
            before = first.setdefault(limit.counter, index)
            if before != index:
                detail: dict[Any, Any] = {index: [f"It counts the same as limits[{before}]."]}
                raise serializers.ValidationError(detail)
        return limits


class KeyLimitSerializer(serializers.Serializer[Limit]):
    """One bound of what a key may have. 0 refuses everything."""

    resource = serializers.ChoiceField(Resource.choices)
    window = serializers.ChoiceField(Window.choices)
    amount = AmountField(help_text="Requests, tokens, requests at once, or the prices' currency.")
    per = serializers.ChoiceField(
        PER_CHOICES,
        default=Per.KEY.value,
        help_text="`key_model` counts each model by itself.",
    )
    model = serializers.CharField(
        source="model_name", default="", allow_blank=True, max_length=100,
        help_text="Counts this model alone; empty: every model.",
    )  # fmt: skip

    class Meta:
        list_serializer_class = KeyLimitListSerializer

    def validate_model(self, name: str) -> str:
        """Return a name in the form that models' names have."""
        return clean_models([name])[0] if name else name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return fields that go together. Raises ValidationError, naming the field."""
        key_limit(**attrs)
        return attrs


def key_limits(**options: Any) -> Any:
    """Return the field of a key's limits."""
    bounded: dict[str, Any] = {"many": True, "max_length": MAX_LIMITS, **options}
    return KeyLimitSerializer(**bounded)
