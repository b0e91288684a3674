"""What the doors to embeddings take and answer."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from inference.api import fields
from inference.api.inputs import InputsField, StrictSerializer, model_name
from inference.api.native.tasks.later import MayWaitSerializer

MAX_DIMENSIONS: Final = 65_536
_CUT: Final = "Cut texts that are longer than the model reads, instead of refusing them."


class EmbeddingsSerializer(StrictSerializer):
    """The body of a request, at both doors."""

    input = InputsField()
    model = model_name()
    dimensions = fields.StrictInteger(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_DIMENSIONS,
        help_text="The first so many of each vector.",
    )
    encoding_format = serializers.ChoiceField(["float", "base64"], default="float")
    truncate = fields.StrictBoolean(default=False, help_text=_CUT)
    user = fields.StrictText(required=False, allow_null=True, max_length=1000)


class NativeEmbeddingsBodySerializer(MayWaitSerializer, EmbeddingsSerializer):
    """The same at the native door, which also answers later."""


_VECTOR: Final = {
    "oneOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}],
    "description": "Numbers, or with `base64` 32-bit little-endian floats.",
}


@extend_schema_field(_VECTOR)
class VectorField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """A vector in either encoding."""


class EmbeddingSerializer(serializers.Serializer[Any]):
    """One vector, as OpenAI writes it."""

    object = serializers.CharField()
    index = serializers.IntegerField()
    embedding = VectorField()


class ReadUsageSerializer(serializers.Serializer[Any]):
    """Tokens read."""

    prompt_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


@extend_schema_serializer(many=False)
class OpenAIEmbeddingsSerializer(serializers.Serializer[Any]):
    """The answer of /v1/embeddings."""

    object = serializers.CharField()
    # DRF takes the field off the class, so that it does not hide Serializer.data.
    data = EmbeddingSerializer(many=True)  # type: ignore[assignment]
    model = serializers.CharField()
    usage = ReadUsageSerializer()


class NativeEmbeddingsSerializer(serializers.Serializer[Any]):
    """The answer of /api/v1/embeddings."""

    id = serializers.CharField()
    embeddings = serializers.ListField(child=VectorField())
    dimensions = serializers.IntegerField()
    model_used = serializers.CharField()
    processing_time = serializers.FloatField(help_text="Seconds.")
    usage = ReadUsageSerializer()
