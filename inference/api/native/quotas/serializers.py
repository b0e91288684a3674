"""Limits at the edge."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from aiplatform.query_parameters import QuerySerializer


class QuotaQuerySerializer(QuerySerializer):
    """For which model."""

    model = serializers.CharField(
        required=False, max_length=100, help_text="Adds the limits that count each model."
    )


class QuotaSerializer(serializers.Serializer[Any]):
    """One limit as it stands. Cost is in the currency of the prices."""

    resource = serializers.CharField()
    window = serializers.CharField()
    per = serializers.CharField(help_text="For whom is counted.")
    model = serializers.CharField(allow_null=True, help_text="Counts this model alone; null: all.")
    # Fields are taken off the class, so that DRF's own `source` stays what it is.
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="`plan NAME`, `user`, `key` or `platform`."
    )
    limit = serializers.FloatField()
    used = serializers.FloatField()
    reserved = serializers.FloatField(help_text="By requests under way.")
    remaining = serializers.FloatField()
    resets_in = serializers.FloatField(help_text="Seconds; 0 where nothing frees by itself.")


@extend_schema_serializer(many=False)
class QuotaListSerializer(serializers.Serializer[Any]):
    """Every limit that applies to the caller."""

    results = QuotaSerializer(many=True)
