"""A request of the history at the edge: what may be asked and how it is answered."""

from operator import attrgetter
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from inference.api.native.usage.whose import WhoseSerializer
from inference.gateway.cost_text import cost_text
from inference.gateway.models import Request, Status


class RequestQuerySerializer(WhoseSerializer):
    """Which requests, and from which on."""

    before = serializers.UUIDField(required=False, help_text="An id: older requests than that.")
    limit = serializers.IntegerField(default=50, min_value=1, max_value=200)
    status = serializers.ChoiceField(Status.choices, required=False)
    model = serializers.CharField(required=False, max_length=100)
    key = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    door = serializers.CharField(required=False, max_length=40, help_text="`chat/completions`, …")
    finish_reason = serializers.CharField(required=False, max_length=20)
    to = serializers.DateTimeField(required=False, help_text="Before this time (ISO 8601).")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; `from` is a word of Python's own."""
        first = serializers.DateTimeField(required=False, help_text="At this time or later.")
        return {**super().get_fields(), "from": first}


_FIELDS: Final = (
    *("id", "created_at", "user", "key", "key_name", "model", "door", "stream"),
    *("status", "finish_reason", "error_code"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "images"),
    *("charged_requests", "charged_tokens", "charged_images", "cost"),
    *("queue_ms", "ttft_ms", "duration_ms", "overhead_ms", "replica", "attempts"),
    *("client_address", "user_agent"),
)
_COLUMNS: Final = {"user": "username", "key": "api_key_id", "model": "model_name"}
_READ: Final = {name: attrgetter(_COLUMNS.get(name, name)) for name in _FIELDS if name != "cost"}


class RequestSerializer(serializers.ModelSerializer[Request]):
    """One row of the history, without its texts."""

    user = serializers.CharField()
    key = serializers.IntegerField(allow_null=True)
    model = serializers.CharField()
    cost = serializers.CharField(help_text="A decimal, in the currency of the prices.")

    class Meta:
        model = Request
        fields: tuple[str, ...] = _FIELDS
        read_only_fields: tuple[str, ...] = fields

    def to_representation(self, instance: Request) -> dict[str, Any]:
        """Return the row. Every value is JSON as it is; field by field DRF takes ten times as long,
        which for a page of 200 is more than reading them.
        """
        row = {name: read(instance) for name, read in _READ.items()}
        return {**row, "cost": cost_text(instance.cost_nano)}


class BodySerializer(serializers.Serializer[Any]):
    """What was asked and answered."""

    prompt = serializers.JSONField(help_text="The text or the messages, as they came.")
    completion = serializers.CharField()


class RequestDetailSerializer(RequestSerializer):
    """One row with its texts: `body` is null where none are stored, or where they are another's."""

    body = BodySerializer(allow_null=True, read_only=True)

    class Meta(RequestSerializer.Meta):
        fields = (*_FIELDS, "body")
        read_only_fields = fields

    def to_representation(self, instance: Request) -> dict[str, Any]:
        """Return the row with its texts."""
        body = getattr(instance, "body", None)
        texts = body and {"prompt": body.prompt, "completion": body.completion}
        return {**super().to_representation(instance), "body": texts}


@extend_schema_serializer(many=False)
class RequestPageSerializer(serializers.Serializer[Any]):
    """Requests, newest first."""

    results = RequestSerializer(many=True)
    next = serializers.URLField(
        allow_null=True, help_text="Of older ones. A page may be short, even empty, and have one."
    )


class LimitSaidSerializer(serializers.Serializer[Any]):
    """One limit as it stood when the request came. Cost is in the currency of the prices."""

    # Fields are taken off the class, so that DRF's own `source` stays what it is.
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="`plan NAME`, `user`, `key` or `platform`."
    )
    per = serializers.CharField()
    model = serializers.CharField(allow_null=True)
    resource = serializers.CharField()
    window = serializers.CharField()
    limit = serializers.FloatField()
    used = serializers.FloatField()
    reserved = serializers.FloatField(help_text="By requests under way.")
    wanted = serializers.FloatField(help_text="By this one.")
    resets_in = serializers.FloatField(help_text="Seconds; 0 where nothing frees by itself.")


class AdmissionSerializer(serializers.Serializer[Any]):
    """What the limits said."""

    admitted = serializers.BooleanField()
    at = serializers.DateTimeField(help_text="By the store's clock.")
    limits = LimitSaidSerializer(many=True)
    refused_by = serializers.IntegerField(allow_null=True, help_text="Which of `limits`, from 0.")
    retry_after = serializers.FloatField(allow_null=True, help_text="Seconds.")


class ChargedSerializer(serializers.Serializer[Any]):
    """What the request cost its caller."""

    requests = serializers.IntegerField()
    tokens = serializers.IntegerField()
    images = serializers.IntegerField()
    cost = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """What decided over one request."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.choices)
    explanation = serializers.ListField(child=serializers.CharField())
    admission = AdmissionSerializer(allow_null=True, help_text="null: no limit was asked.")
    queue_ms = serializers.FloatField(allow_null=True)
    ttft_ms = serializers.FloatField(allow_null=True)
    duration_ms = serializers.FloatField()
    overhead_ms = serializers.FloatField(allow_null=True)
    replica = serializers.CharField()
    attempts = serializers.IntegerField()
    retries = serializers.IntegerField()
    finish_reason = serializers.CharField()
    error_code = serializers.CharField()
    charged = ChargedSerializer()
