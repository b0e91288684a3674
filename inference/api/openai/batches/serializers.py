"""Batches at the edge: what may be asked, and what is answered."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from aiplatform.query_parameters import QuerySerializer
from inference.api import fields
from inference.jobs.batches.endpoints import ENDPOINTS, WINDOWS
from inference.jobs.models import BatchStatus

MAX_PAIRS: Final = 16
MAX_NAME: Final = 64
MAX_VALUE: Final = 512
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20


class CreateBatchSerializer(QuerySerializer):
    """The body that begins a batch."""

    input_file_id = fields.StrictText(max_length=50, help_text="Of a file with purpose `batch`.")
    endpoint = serializers.ChoiceField(sorted(ENDPOINTS), help_text="What every line asks.")
    completion_window = serializers.ChoiceField(sorted(WINDOWS))
    metadata = serializers.DictField(
        child=fields.StrictText(max_length=MAX_VALUE, allow_blank=True),
        required=False,
        allow_null=True,
    )

    def validate_metadata(self, metadata: dict[str, str] | None) -> dict[str, str]:
        """Return the pairs. Raises ValidationError over OpenAI's bounds."""
        pairs = metadata or {}
        if len(pairs) > MAX_PAIRS:
            raise serializers.ValidationError(f"At most {MAX_PAIRS} pairs.")
        if any(len(name) > MAX_NAME for name in pairs):
            raise serializers.ValidationError(f"A name has at most {MAX_NAME} characters.")
        if any("\0" in text for pair in pairs.items() for text in pair):
            raise serializers.ValidationError("May hold no NUL.")
        return pairs


class BatchQuerySerializer(QuerySerializer):
    """From which batch on."""

    after = serializers.CharField(
        required=False, max_length=50, help_text="An id: those behind it."
    )
    limit = serializers.IntegerField(default=DEFAULT_PAGE, min_value=1, max_value=MAX_PAGE)


class BatchErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with a line of the file, or with the file."""

    code = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()
    param = serializers.CharField(allow_null=True)


class BatchErrorsSerializer(serializers.Serializer[Any]):
    """All that is wrong with the file, the first fifty."""

    object = serializers.CharField()
    # DRF takes the field off the class, so that it does not hide Serializer.data.
    data = BatchErrorSerializer(many=True)  # type: ignore[assignment]


class RequestCountsSerializer(serializers.Serializer[Any]):
    """Lines, as they are now."""

    total = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()


class BatchSerializer(serializers.Serializer[Any]):
    """A batch, as OpenAI describes one. Times are Unix seconds; null: it did not come to that."""

    id = serializers.CharField()
    object = serializers.CharField()
    endpoint = serializers.CharField()
    errors = BatchErrorsSerializer(allow_null=True)  # type: ignore[assignment]  # as above
    input_file_id = serializers.CharField()
    completion_window = serializers.CharField()
    status = serializers.ChoiceField(BatchStatus.choices)
    output_file_id = serializers.CharField(allow_null=True)
    error_file_id = serializers.CharField(allow_null=True)
    created_at = serializers.IntegerField()
    in_progress_at = serializers.IntegerField(allow_null=True)
    expires_at = serializers.IntegerField()
    finalizing_at = serializers.IntegerField(allow_null=True)
    completed_at = serializers.IntegerField(allow_null=True)
    failed_at = serializers.IntegerField(allow_null=True)
    expired_at = serializers.IntegerField(allow_null=True)
    cancelling_at = serializers.IntegerField(allow_null=True)
    cancelled_at = serializers.IntegerField(allow_null=True)
    request_counts = RequestCountsSerializer()
    metadata = serializers.DictField(child=serializers.CharField(), allow_null=True)


@extend_schema_serializer(many=False)
class BatchPageSerializer(serializers.Serializer[Any]):
    """Batches, newest first."""

    object = serializers.CharField()
    data = BatchSerializer(many=True)  # type: ignore[assignment]  # as above
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
