"""Endpoints and deliveries at the edge."""

from typing import Any, Final

from rest_framework import serializers

from aiplatform.query_parameters import QuerySerializer
from inference.jobs.webhooks import event_types
from inference.jobs.webhooks.models import DeliveryStatus, Endpoint
from inference.jobs.webhooks.target import MAX_URL, UrlRefused, target_of

MAX_OVERLAP_S: Final = 7 * 24 * 3600
DEFAULT_OVERLAP_S: Final = 24 * 3600
MAX_DESCRIPTION: Final = Endpoint._meta.get_field("description").max_length or 0


class EndpointSerializer(QuerySerializer):
    """An endpoint.

    What only the platform sets may be sent back and is ignored, so that what was read can be
    edited and sent.
    """

    id = serializers.IntegerField(read_only=True)
    url = serializers.CharField(max_length=MAX_URL, help_text="https, at a public address.")
    events = serializers.ListField(
        child=serializers.ChoiceField(sorted(event_types.ALL)),
        min_length=1,
        max_length=len(event_types.ALL),
        help_text="What it is told of.",
    )
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, allow_blank=True, required=False
    )
    enabled = serializers.BooleanField(required=False, help_text="Whether anything is sent there.")
    disabled_reason = serializers.CharField(
        read_only=True, help_text="`failing` for days, `gone` (410), or empty: its owner did it."
    )
    failing_since = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="null: the last attempt succeeded."
    )
    old_secret_until = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="How long the secret before this one signs too."
    )
    created_at = serializers.DateTimeField(read_only=True)

    def validate_url(self, url: str) -> str:
        """Return the address as it is kept. Raises ValidationError, saying why it is refused."""
        try:
            return target_of(url).url
        except UrlRefused as refused:
            raise serializers.ValidationError(str(refused)) from refused


class MadeEndpointSerializer(EndpointSerializer):
    """An endpoint with a secret that was just made, which the context holds."""

    secret = serializers.SerializerMethodField(
        help_text="Verifies what is sent (Standard Webhooks); in this answer only."
    )

    def get_secret(self, endpoint: Endpoint) -> str:
        """Return the text of the secret."""
        secret: str = self.context["secret"]
        return secret


class SecretRotationSerializer(QuerySerializer):
    """How a secret is replaced."""

    overlap_seconds = serializers.IntegerField(
        default=DEFAULT_OVERLAP_S,
        min_value=0,
        max_value=MAX_OVERLAP_S,
        help_text="How long the old secret signs as well.",
    )


class DeliverySerializer(serializers.Serializer[Any]):
    """One event for one endpoint, and how the last attempt went."""

    id = serializers.IntegerField()
    webhook_id = serializers.CharField(
        source="event.message_id", help_text="As sent, the same at every attempt."
    )
    type = serializers.CharField(source="event.type")
    status = serializers.ChoiceField(DeliveryStatus.values)
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField(source="event.created_at")
    attempted_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="null: none follows.")
    response_code = serializers.IntegerField(allow_null=True, help_text="null: no answer came.")
    duration_ms = serializers.FloatField(allow_null=True)
    error = serializers.CharField(help_text="Why there was no answer, or why it was not accepted.")
    answer = serializers.CharField(help_text="Its first 1024 bytes.")


class DeliveryFilterSerializer(serializers.Serializer[Any]):
    """Which deliveries are listed."""

    status = serializers.ChoiceField(DeliveryStatus.values, required=False)
