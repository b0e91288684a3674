"""Fields that both protocols share, each with its bounds."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inference.engine.wire import Sampling
from inference.gateway.served import ServedModel

MAX_STOP_STRINGS: Final = 16
MAX_STOP_LENGTH: Final = 256  # characters
MAX_TOKENS: Final = 1_048_576
MAX_SEED: Final = 2**63 - 1


class StrictBoolean(serializers.BooleanField):
    """true or false, and not one of the many words DRF takes for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictInteger(serializers.IntegerField):
    """A whole number as JSON writes it, not a string or a truth value."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictFloat(serializers.FloatField):
    """A number as JSON writes it."""

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """A string as JSON writes it, its blanks kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


_STRINGS: Final = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_STOP_STRINGS}


@extend_schema_field({"oneOf": [{"type": "string"}, _STRINGS]})
class StopField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """One stop string or a list of them."""

    def to_internal_value(self, data: Any) -> list[str]:
        strings = [data] if isinstance(data, str) else data
        if not isinstance(strings, list) or not all(isinstance(one, str) for one in strings):
            raise serializers.ValidationError("Give a string or a list of strings.")
        if len(strings) > MAX_STOP_STRINGS:
            raise serializers.ValidationError(f"At most {MAX_STOP_STRINGS} strings.")
        if not all(0 < len(one) <= MAX_STOP_LENGTH for one in strings):
            raise serializers.ValidationError(f"Each string has 1 to {MAX_STOP_LENGTH} characters.")
        return strings

    def to_representation(self, value: Any) -> Any:
        return value


def temperature(**options: Any) -> StrictFloat:
    """0 is greedy; above that, how freely tokens are drawn."""
    return StrictFloat(min_value=0, max_value=2, required=False, **options)


def top_p(**options: Any) -> StrictFloat:
    """Draw from the likeliest tokens that together hold this much of the probability."""
    return StrictFloat(min_value=0, max_value=1, required=False, **options)


def top_k(**options: Any) -> StrictInteger:
    """Draw from this many of the likeliest tokens; 0 is no bound."""
    return StrictInteger(min_value=0, max_value=1_000_000, required=False, **options)


def seed(**options: Any) -> StrictInteger:
    """The same seed gives the same text."""
    return StrictInteger(
        min_value=-MAX_SEED, max_value=MAX_SEED, required=False, allow_null=True, **options
    )


def sampling_of(fields: dict[str, Any], model: ServedModel) -> Sampling:
    """Return how tokens are chosen: validated fields, and the model's own where there are none."""
    temperature, top_p = fields.get("temperature"), fields.get("top_p")
    return Sampling(
        temperature=model.default_temperature if temperature is None else temperature,
        top_p=model.default_top_p if top_p is None else top_p,
        top_k=fields.get("top_k") or 0,
        seed=fields.get("seed"),
    )
