"""Fields of doors that read texts whole: one text or many, as words or as token ids."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inference.api.fields import StrictText

MAX_INPUTS: Final = 2_048
_TEXT: Final = {"type": "string", "minLength": 1}
_IDS: Final = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
_MANY: Final = {"minItems": 1, "maxItems": MAX_INPUTS}


def _texts(data: Any) -> list[str]:
    """Return one text or several. Raises ValidationError that says which is none."""
    texts = [data] if isinstance(data, str) else data
    if not isinstance(texts, list) or not texts:
        raise serializers.ValidationError("Give a string or a list of them, not an empty one.")
    _check_count(texts)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise serializers.ValidationError(f"Number {place} is not a string.")
        if not text:
            raise serializers.ValidationError(f"Number {place} is an empty string.")
    return texts


def _check_count(inputs: list[Any]) -> None:
    if len(inputs) > MAX_INPUTS:
        raise serializers.ValidationError(
            f"It has {len(inputs):,} inputs; {MAX_INPUTS:,} is the most of one request."
        )


@extend_schema_field({"oneOf": [_TEXT, {"type": "array", "items": _TEXT, **_MANY}]})
class TextsField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """One text, or a list of texts."""

    def to_internal_value(self, data: Any) -> list[str]:
        return _texts(data)

    def to_representation(self, value: Any) -> Any:
        return value


_EITHER: Final = [
    _TEXT,
    {"type": "array", "items": _TEXT, **_MANY},
    _IDS,
    {"type": "array", "items": _IDS, **_MANY},
]


@extend_schema_field({"oneOf": _EITHER})
class InputsField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """One text or many, each as a string or as a list of token ids."""

    def to_internal_value(self, data: Any) -> list[str] | list[list[int]]:
        if not isinstance(data, list) or not data or isinstance(data[0], str):
            return _texts(data)
        lists = data if isinstance(data[0], list) else [data]
        _check_count(lists)
        for place, ids in enumerate(lists):
            if not isinstance(ids, list) or not ids:
                raise serializers.ValidationError(f"Number {place} is not a list of token ids.")
            if not all(type(token) is int and token >= 0 for token in ids):
                raise serializers.ValidationError("Token ids are whole numbers from 0.")
        return lists

    def to_representation(self, value: Any) -> Any:
        return value


def model_name() -> StrictText:
    """The model to ask; the default of the door's kind where none is named."""
    return StrictText(required=False, allow_null=True, max_length=100)


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which no field is unknown."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = data.keys() - self.fields.keys() if isinstance(data, dict) else ()
        for name in sorted(unknown):
            message = "There is no such parameter."
            raise serializers.ValidationError({name[:100]: message}, code="unknown_parameter")
        return super().to_internal_value(data)
