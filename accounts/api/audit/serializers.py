"""An audit event at the edge: what may be asked and how it is answered."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from accounts.audit_fields import KINDS
from accounts.models import AuditEvent
from aiplatform.query_parameters import QuerySerializer

_TYPES: Final = sorted(kind.name for kind in KINDS.values())
_MAX_ID: Final = 2**63 - 1


class AuditQuerySerializer(QuerySerializer):
    """Which events, and from which on."""

    before = serializers.IntegerField(
        required=False, min_value=1, max_value=_MAX_ID, help_text="An id: older events than that."
    )
    limit = serializers.IntegerField(default=50, min_value=1, max_value=200)
    action = serializers.CharField(required=False, max_length=50, help_text="`api_key.revoked`, …")
    actor = serializers.CharField(
        required=False, max_length=150, help_text="A user's name, or `command <name>`."
    )
    actor_id = serializers.IntegerField(required=False, min_value=1, max_value=_MAX_ID)
    subject_type = serializers.ChoiceField(_TYPES, required=False)
    subject_id = serializers.CharField(required=False, max_length=50)
    to = serializers.DateTimeField(required=False, help_text="Before this time (ISO 8601).")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; `from` is a word of Python's own."""
        first = serializers.DateTimeField(required=False, help_text="At this time or later.")
        return {**super().get_fields(), "from": first}


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """One change. `before` and `after` hold the fields that changed, and never a secret."""

    class Meta:
        model = AuditEvent
        fields = (
            *("id", "at", "action", "actor", "actor_id", "key_id", "address", "request_id"),
            *("subject_type", "subject_id", "subject", "before", "after"),
        )
        read_only_fields = fields


@extend_schema_serializer(many=False)
class AuditPageSerializer(serializers.Serializer[Any]):
    """One page, newest first."""

    results = AuditEventSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Where older events are; null: none.")
