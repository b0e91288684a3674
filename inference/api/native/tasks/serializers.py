"""Jobs at the edge: what may be asked, and what is answered."""

from typing import Any

from drf_spectacular.utils import (
    PolymorphicProxySerializer,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from aiplatform.query_parameters import QuerySerializer
from inference.api.embeddings.serializers import NativeEmbeddingsSerializer
from inference.api.native.images.serializers import ImageAnswerSerializer
from inference.api.native.serializers import (
    GeneratedTextSerializer,
    GenerateTextSerializer,
    UsageSerializer,
)
from inference.jobs.models import Status


class GenerateAsyncSerializer(GenerateTextSerializer):
    """The body of /api/v1/generate/text, but that nothing is streamed: one watches instead."""

    stream = None  # type: ignore[assignment]  # DRF's way to leave a field out


class SubmittedSerializer(serializers.Serializer[Any]):
    """What is answered at once."""

    task_id = serializers.UUIDField()
    status = serializers.CharField(help_text="Always `processing`: it is being seen to.")


class TaskQuerySerializer(QuerySerializer):
    """Which jobs, and from which on."""

    before = serializers.UUIDField(required=False, help_text="An id: older jobs than that.")
    limit = serializers.IntegerField(default=50, min_value=1, max_value=200)
    status = serializers.ChoiceField(Status.choices, required=False)
    model = serializers.CharField(required=False, max_length=100)
    kind = serializers.CharField(required=False, max_length=40, help_text="`upload/image`.")
    to = serializers.DateTimeField(required=False, help_text="Before this time (ISO 8601).")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; `from` is a word of Python's own."""
        first = serializers.DateTimeField(required=False, help_text="At this time or later.")
        return {**super().get_fields(), "from": first}


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a job is."""

    tokens = serializers.IntegerField(help_text="Made so far.")
    text = serializers.CharField(help_text="Of the first choice, so far.")
    queue_position = serializers.IntegerField(
        allow_null=True, help_text="Jobs before this one; null once it is begun."
    )
    estimated_start_s = serializers.FloatField(
        allow_null=True, help_text="Seconds, at the rate of the last minute; null: unknown."
    )


class TaskUsageSerializer(UsageSerializer):
    """Tokens read and made, and pictures."""

    images = serializers.IntegerField(required=False, help_text="Where any were read.")


class TaskRowSerializer(serializers.Serializer[Any]):
    """A job, without what was answered."""

    task_id = serializers.UUIDField()
    kind = serializers.CharField()
    model = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True, help_text="Of the last attempt.")
    ended_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField(help_text="It is not begun after this.")
    attempts = serializers.IntegerField()
    request_id = serializers.UUIDField(
        allow_null=True, help_text="Of the last attempt; reads and explains it under requests."
    )
    usage = TaskUsageSerializer(allow_null=True)
    error = serializers.JSONField(allow_null=True, help_text="Why it failed, as a problem.")
    waiting_for = serializers.JSONField(
        allow_null=True, help_text="What refused its last attempt, while it waits for that."
    )


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="TaskResult",
        serializers=[GeneratedTextSerializer, NativeEmbeddingsSerializer, ImageAnswerSerializer],
        resource_type_field_name=None,
    )
)
class ResultField(serializers.JSONField):
    """What the door would have answered at once."""


class TaskSerializer(TaskRowSerializer):
    """A job."""

    progress = ProgressSerializer(allow_null=True, help_text="null once it ended.")
    result = ResultField(allow_null=True)


@extend_schema_serializer(many=False)
class TaskPageSerializer(serializers.Serializer[Any]):
    """Jobs, newest first."""

    results = TaskRowSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Of older ones.")
