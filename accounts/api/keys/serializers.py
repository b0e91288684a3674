"""A key at the edge: what a caller may send and what the platform answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts import key_format, scopes
from accounts.api.keys.limits import key_limits
from accounts.api.keys.pagination import WindowSerializer
from accounts.key_settings import MAX_ENTRY, MAX_MODELS, MAX_NETWORKS, clean_models, clean_networks
from accounts.models import ApiKey
from aiplatform.query_parameters import QuerySerializer

MAX_GRACE_S: Final = 30 * 24 * 3600
STATES: Final = ("active", "expired", "revoked")
MAX_NAME: Final = ApiKey._meta.get_field("name").max_length or 0
MAX_USERNAME: Final = 150


def _entries(bound: int, **options: Any) -> Any:
    child = serializers.CharField(max_length=MAX_ENTRY)
    return serializers.ListField(child=child, max_length=bound, required=False, **options)


class _Strict(serializers.Serializer[Any]):
    """A serializer that refuses by name what it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields. Raises ValidationError for fields that do not exist."""
        names = {str(name) for name in data} if isinstance(data, Mapping) else set()
        unknown = names - set(self.fields)
        if unknown:
            text = f"There is no such field. There are {', '.join(self.fields)}."
            detail = [ErrorDetail(text, "unknown_parameter")]
            raise serializers.ValidationError({min(unknown)[:100]: detail})
        return super().to_internal_value(data)


class KeySerializer(_Strict):
    """A key and its settings.

    What only the platform sets may be sent back and is ignored, so that what was read can be
    edited and sent.
    """

    id = serializers.IntegerField(read_only=True)
    prefix = serializers.SerializerMethodField(help_text="How the key's text begins.")
    user = serializers.CharField(source="user.username", read_only=True)
    state = serializers.ChoiceField(STATES, read_only=True)
    name = serializers.CharField(max_length=MAX_NAME, allow_blank=True, required=False)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(list(scopes.DESCRIPTIONS)),
        max_length=len(scopes.ALL),
        required=False,
    )
    allowed_models = _entries(MAX_MODELS, help_text="Empty: every model.")
    allowed_networks = _entries(MAX_NETWORKS, help_text="CIDR, IPv4 or IPv6. Empty: anywhere.")
    limits = key_limits(required=False, help_text="All of the key's own limits.")
    store_bodies = serializers.BooleanField(
        required=False, help_text="Keep prompts and answers in the history."
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="null: never."
    )
    created_at = serializers.DateTimeField(read_only=True)
    revoked_at = serializers.DateTimeField(read_only=True, allow_null=True)
    last_used_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="To the minute."
    )
    rotated_from = serializers.IntegerField(
        source="rotated_from_id", read_only=True, allow_null=True, help_text="The key before it."
    )

    def get_prefix(self, key: ApiKey) -> str:
        """Return the part of the key's text that is no secret."""
        return f"{key_format.PREFIX}_{key.public_id}"

    def validate_scopes(self, names: list[str]) -> list[str]:
        """Return the scopes as they are kept."""
        return sorted(set(names))

    def validate_allowed_models(self, names: list[str]) -> list[str]:
        """Return the names as they are kept. Raises ValidationError."""
        return clean_models(names)

    def validate_allowed_networks(self, texts: list[str]) -> list[str]:
        """Return the networks as they are kept. Raises ValidationError."""
        return clean_networks(texts)

    def validate_expires_at(self, moment: datetime | None) -> datetime | None:
        """Return a moment that lies ahead, or is the one that is set already."""
        unchanged = isinstance(self.instance, ApiKey) and moment == self.instance.expires_at
        if moment and moment <= timezone.now() and not unchanged:
            raise serializers.ValidationError("This moment has passed. DELETE revokes a key.")
        return moment


class NewKeySerializer(KeySerializer):
    """What a new key is to be like; all of it may be left out."""

    user = serializers.CharField(
        max_length=MAX_USERNAME, required=False, write_only=True, help_text="Whose; for admins."
    )


class MadeKeySerializer(KeySerializer):
    """A key that was just made, with its text, which the context holds."""

    key = serializers.SerializerMethodField(help_text="The key itself, in this answer only.")

    def get_key(self, key: ApiKey) -> str:
        """Return the text that the key was made with."""
        text: str = self.context["text"]
        return text


class RotationSerializer(_Strict):
    """How a key is rotated."""

    grace_seconds = serializers.IntegerField(
        default=0, min_value=0, max_value=MAX_GRACE_S, help_text="How long the old key still works."
    )


class KeyQuerySerializer(QuerySerializer, WindowSerializer):
    """Which keys are listed, and which page of them."""

    user = serializers.CharField(
        max_length=MAX_USERNAME, required=False, help_text="For admins: whose; `*` is everybody's."
    )
    state = serializers.ChoiceField(STATES, required=False)
