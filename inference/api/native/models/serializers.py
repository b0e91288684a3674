"""A model at the edge: what a caller may send and what the platform answers."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from inference.registry.directory import Replica
from inference.registry.live import STATES
from inference.registry.models import Model

_WRITABLE = (
    "name",
    "task",
    "description",
    "source",
    "revision",
    "licence",
    "dtype",
    "device",
    "context_length",
    "max_output_tokens",
    "slots",
    "max_queue",
    "threads",
    "default_temperature",
    "default_top_p",
    "price_prompt",
    "price_completion",
    "price_image",
    "shared_prompts",
    "enabled",
    "is_default",
)
_LIVE = ("state", "progress", "detail", "replicas")


class ReplicaSerializer(serializers.Serializer[Replica]):
    """One running copy of a model."""

    id = serializers.CharField()
    state = serializers.CharField()
    slots = serializers.IntegerField(help_text="Requests that run at once.")
    running = serializers.IntegerField(help_text="Requests that run now.")
    waiting = serializers.IntegerField(help_text="Requests that wait for a slot.")
    tokens = serializers.IntegerField(help_text="Completion tokens made since it started.")
    tier = serializers.CharField(help_text="Which of the engine's ways of computing it runs.")
    device = serializers.CharField(help_text="What it is computed on: `cpu`, `cuda:0`, …")
    resident_bytes = serializers.IntegerField()
    restarts = serializers.IntegerField()


class ModelSerializer(serializers.ModelSerializer[Model]):
    """A row of the registry and how it is right now.

    What only the platform sets may be sent back unchanged and is ignored, so that what was read
    can be edited and written; a field that does not exist is refused by name.
    """

    state = serializers.ChoiceField(STATES, source="live.state", read_only=True)
    progress = serializers.FloatField(
        source="live.progress", read_only=True, help_text="Of fetching or loading, 0 to 1."
    )
    detail = serializers.CharField(
        source="live.detail", read_only=True, help_text="What it is doing or why it failed."
    )
    replicas = ReplicaSerializer(source="live.replicas", many=True, read_only=True)

    class Meta:
        model = Model
        fields = ("id", *_WRITABLE, *_LIVE, "created_at", "updated_at")
        # A new default takes the place of the old one; DRF would refuse it as a second one.
        validators: list[Any] = []

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; on a change the name comes from the address and may be left out."""
        fields = super().get_fields()
        if self.instance is not None:
            fields["name"].required = False
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields. Raises ValidationError for fields that do not exist."""
        if isinstance(data, Mapping):
            _refuse_unknown({str(name) for name in data} - set(self.fields))
        return super().to_internal_value(data)


def _refuse_unknown(unknown: set[str]) -> None:
    if unknown:
        name = min(unknown)[:100]
        text = f"There is no such field. A model has {', '.join(_WRITABLE)}."
        raise serializers.ValidationError({name: [ErrorDetail(text, "unknown_parameter")]})
