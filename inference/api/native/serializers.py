"""What /api/v1/generate/text takes and answers."""

from typing import Any

from rest_framework import serializers

from inference.api import fields
from inference.api.token_logprobs import TokenLogprobSerializer


class GenerateTextSerializer(serializers.Serializer[Any]):
    """The body of a request."""

    text = fields.StrictText(help_text="What to answer, or to continue when `raw`.")
    max_length = fields.StrictInteger(
        default=100, min_value=1, max_value=fields.MAX_TOKENS, help_text="New tokens at most."
    )
    temperature = fields.temperature(default=0.7)
    top_p = fields.top_p()
    top_k = fields.top_k()
    min_p = fields.min_p()
    repetition_penalty = fields.repetition_penalty()
    presence_penalty = fields.penalty(help_text="Taken off once a token occurs in the answer.")
    frequency_penalty = fields.penalty(help_text="Taken off each time a token occurs in it.")
    logit_bias = fields.LogitBiasField(required=False)
    stop = fields.StopField(required=False, help_text="A string, or a list of strings.")
    stop_token_ids = fields.TokenIdsField(required=False)
    min_tokens = fields.min_tokens()
    ignore_eos = fields.StrictBoolean(required=False)
    seed = fields.seed()
    n = fields.choices(default=1)
    logprobs = fields.StrictBoolean(default=False)
    top_logprobs = fields.top_logprobs()
    model = fields.StrictText(required=False, allow_null=True, max_length=100)
    stream = fields.StrictBoolean(default=False)
    raw = fields.StrictBoolean(
        default=False, help_text="Continue the text as it is, without the model's chat template."
    )

    def to_internal_value(self, data: Any) -> Any:
        unknown = data.keys() - self.fields.keys() if isinstance(data, dict) else ()
        for name in sorted(unknown):
            message = "There is no such parameter."
            raise serializers.ValidationError({name[:100]: message}, code="unknown_parameter")
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        fields.check_logprobs(attrs)
        return attrs


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens read and made."""

    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class GeneratedChoiceSerializer(serializers.Serializer[Any]):
    """One of several answers."""

    index = serializers.IntegerField()
    generated_text = serializers.CharField()
    finish_reason = serializers.ChoiceField(["stop", "length"])
    logprobs = TokenLogprobSerializer(many=True, required=False)


class GeneratedTextSerializer(serializers.Serializer[Any]):
    """The body of an answer."""

    id = serializers.CharField()
    generated_text = serializers.CharField(help_text="With `n` above 1, the first of `choices`.")
    logprobs = TokenLogprobSerializer(many=True, required=False, help_text="Where asked for.")
    choices = GeneratedChoiceSerializer(many=True, required=False, help_text="With `n` above 1.")
    model_used = serializers.CharField()
    finish_reason = serializers.ChoiceField(["stop", "length"])
    processing_time = serializers.FloatField(help_text="Seconds.")
    usage = UsageSerializer()
