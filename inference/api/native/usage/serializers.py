"""Usage at the edge: what may be asked and how it is answered."""

from datetime import date, timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from inference.api.native.usage.whose import WhoseSerializer
from inference.gateway.selectors_usage import GROUPS
from inference.gateway.usage_days import SUMS

MAX_DAYS: Final = 366
DEFAULT_DAYS: Final = 30


class UsageQuerySerializer(WhoseSerializer):
    """From when to when, told apart by what, and of what only."""

    to = serializers.DateField(required=False, help_text="The last day (UTC); today if absent.")
    group_by = serializers.CharField(
        default="day", max_length=40, help_text=f"One or more of {', '.join(GROUPS)}; with commas."
    )
    model = serializers.CharField(required=False, max_length=100)
    key = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="A key's id; 0: without a key."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; `from` is a word of Python's own."""
        first = serializers.DateField(
            required=False, help_text=f"The first day; {DEFAULT_DAYS} days in all if absent."
        )
        return {"from": first, **super().get_fields()}

    def validate_group_by(self, value: str) -> list[str]:
        """Return the names. Raises ValidationError, naming those there are."""
        names = [name.strip() for name in value.split(",")]
        if unknown := sorted(set(names) - GROUPS.keys()):
            there = ", ".join(GROUPS)
            raise serializers.ValidationError(f"{unknown[0]!r} is none of {there}.")
        return [name for name in GROUPS if name in names]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values with both days. Raises ValidationError for a span out of bounds."""
        until: date = attrs.setdefault("to", timezone.now().date())
        span = timedelta(days=DEFAULT_DAYS - 1)
        since: date = attrs.setdefault("from", until - min(span, until - date.min))
        if not timedelta(0) <= until - since < timedelta(days=MAX_DAYS):
            text = f"From `from` to `to` it must be 1 to {MAX_DAYS} days."
            raise serializers.ValidationError({"from": text})
        return attrs


class AmountsSerializer(serializers.Serializer[Any]):
    """Sums of usage."""

    cost = serializers.CharField(help_text="A decimal, in the currency of the prices.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the cost and a whole number for each other sum."""
        names = [name for name in SUMS if name != "cost_nano"]
        return {**{name: serializers.IntegerField() for name in names}, **super().get_fields()}


class GroupSerializer(AmountsSerializer):
    """The usage of one group; it has what `group_by` names."""

    day = serializers.DateField(required=False)
    model = serializers.CharField(required=False, help_text="Empty: no model was found.")
    key = serializers.IntegerField(required=False, allow_null=True, help_text="null: without one.")
    key_name = serializers.CharField(required=False, allow_null=True, help_text="null: it is gone.")
    user = serializers.IntegerField(required=False)
    username = serializers.CharField(required=False, allow_null=True, help_text="null: gone.")


@extend_schema_serializer(many=False)
class UsageAnswerSerializer(serializers.Serializer[Any]):
    """The body of an answer."""

    to = serializers.DateField()
    group_by = serializers.ListField(child=serializers.ChoiceField(list(GROUPS)))
    results = GroupSerializer(many=True)
    totals = AmountsSerializer()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; `from` is a word of Python's own."""
        return {"from": serializers.DateField(), **super().get_fields()}
