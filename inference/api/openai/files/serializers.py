"""Files at the edge: what may be sent, and what is answered."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from aiplatform.query_parameters import QuerySerializer
from inference.jobs.models import Purpose

SENT: Final = [Purpose.BATCH.value, Purpose.VISION.value, Purpose.USER_DATA.value]
MAX_FILENAME: Final = 255
MAX_PAGE: Final = 10_000
DEFAULT_PAGE: Final = 1_000
LEAST_KEPT_S: Final = 3_600
MOST_KEPT_S: Final = 30 * 24 * 3_600


class UploadSerializer(serializers.Serializer[Any]):
    """The form of an upload, `multipart/form-data`."""

    file = serializers.FileField(max_length=MAX_FILENAME)
    purpose = serializers.ChoiceField(SENT)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; the names of two are none in Python."""
        anchor = serializers.ChoiceField(["created_at"], required=False)
        seconds = serializers.IntegerField(
            required=False,
            min_value=LEAST_KEPT_S,
            max_value=MOST_KEPT_S,
            help_text="Deleted so long after it was sent.",
        )
        return {
            **super().get_fields(),
            "expires_after[anchor]": anchor,
            "expires_after[seconds]": seconds,
        }

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values. Raises ValidationError for names that do not exist."""
        for name in sorted(set(data) - set(self.fields)):
            raise serializers.ValidationError({name[:100]: ["There is no such field."]})
        return super().to_internal_value(data)


class FileQuerySerializer(QuerySerializer):
    """Which files, and from which on."""

    after = serializers.CharField(
        required=False, max_length=50, help_text="An id: those behind it."
    )
    limit = serializers.IntegerField(default=DEFAULT_PAGE, min_value=1, max_value=MAX_PAGE)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")
    purpose = serializers.ChoiceField(Purpose.choices, required=False)


class FileSerializer(serializers.Serializer[Any]):
    """A file, as OpenAI describes one."""

    id = serializers.CharField()
    object = serializers.CharField()
    bytes = serializers.IntegerField()
    created_at = serializers.IntegerField()
    expires_at = serializers.IntegerField(allow_null=True)
    filename = serializers.CharField()
    purpose = serializers.ChoiceField(Purpose.choices)
    status = serializers.CharField(help_text="Always `processed`.")
    status_details = serializers.CharField(allow_null=True)


@extend_schema_serializer(many=False)
class FilePageSerializer(serializers.Serializer[Any]):
    """Files."""

    object = serializers.CharField()
    # DRF takes the field off the class, so that it does not hide Serializer.data.
    data = FileSerializer(many=True)  # type: ignore[assignment]
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class FileDeletedSerializer(serializers.Serializer[Any]):
    """That a file is gone."""

    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()
