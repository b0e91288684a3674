"""What the doors to classifiers of texts take and answer."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from inference.api import fields
from inference.api.embeddings.serializers import ReadUsageSerializer
from inference.api.inputs import MAX_INPUTS, StrictSerializer, TextsField, model_name

MAX_QUERY: Final = 100_000  # characters


class ModerationSerializer(StrictSerializer):
    """The body of /v1/moderations."""

    input = TextsField()
    model = model_name()


class ModerationResultSerializer(serializers.Serializer[Any]):
    """What was found in one text."""

    flagged = serializers.BooleanField(help_text="Whether any category was found.")
    categories = serializers.DictField(child=serializers.BooleanField())
    category_scores = serializers.DictField(child=serializers.FloatField())


@extend_schema_serializer(many=False)
class ModerationAnswerSerializer(serializers.Serializer[Any]):
    """The answer of /v1/moderations."""

    id = serializers.CharField()
    model = serializers.CharField()
    results = ModerationResultSerializer(many=True)


class RerankSerializer(StrictSerializer):
    """The body of /v1/rerank."""

    query = fields.StrictText(max_length=MAX_QUERY)
    documents = TextsField()
    model = model_name()
    top_n = fields.StrictInteger(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_INPUTS,
        help_text="The best so many; all if absent.",
    )
    return_documents = fields.StrictBoolean(default=False)
    truncate = fields.StrictBoolean(
        default=False, help_text="Cut documents that are too long, instead of refusing them."
    )


class RankedDocumentSerializer(serializers.Serializer[Any]):
    """The text of a document."""

    text = serializers.CharField()


class RankedSerializer(serializers.Serializer[Any]):
    """One document's place."""

    index = serializers.IntegerField(help_text="In `documents` as they came.")
    relevance_score = serializers.FloatField(help_text="0 to 1.")
    document = RankedDocumentSerializer(required=False, help_text="With `return_documents`.")


@extend_schema_serializer(many=False)
class RerankAnswerSerializer(serializers.Serializer[Any]):
    """The answer of /v1/rerank, the best document first."""

    id = serializers.CharField()
    model = serializers.CharField()
    results = RankedSerializer(many=True)
    usage = ReadUsageSerializer()
