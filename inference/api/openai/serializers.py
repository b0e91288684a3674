"""What /v1/chat/completions and /v1/completions take."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from inference.api import fields
from inference.api.openai.content import ContentField
from inference.api.openai.parameters import check_message, check_parameters
from inference.api.sent_fields import SentFields
from inference.api.token_logprobs import TokenLogprobSerializer

MAX_MESSAGES: Final = 2_000
ROLES: Final = ("system", "developer", "user", "assistant")


class StreamOptionsSerializer(serializers.Serializer[Any]):
    """`stream_options`."""

    include_usage = fields.StrictBoolean(default=False)
    include_obfuscation = fields.StrictBoolean(default=False)  # nothing to obfuscate here


class MessageSerializer(SentFields):
    """One chat message."""

    role = serializers.ChoiceField(ROLES)
    content = ContentField()
    name = fields.StrictText(required=False, max_length=64)

    def to_internal_value(self, data: Any) -> Any:
        check_message(data, self.known)
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        if attrs["role"] != "user" and not isinstance(attrs["content"], str):
            message = "Only messages of the user may hold images."
            raise serializers.ValidationError({"content": message})
        return attrs


class GenerationSerializer(SentFields):
    """What both routes share."""

    model = fields.StrictText(required=False, allow_null=True, max_length=100)
    max_tokens = fields.StrictInteger(
        required=False, allow_null=True, min_value=1, max_value=fields.MAX_TOKENS
    )
    temperature = fields.temperature(allow_null=True)
    top_p = fields.top_p(allow_null=True)
    top_k = fields.top_k(allow_null=True)
    min_p = fields.min_p(allow_null=True)
    repetition_penalty = fields.repetition_penalty(allow_null=True)
    presence_penalty = fields.penalty(allow_null=True)
    frequency_penalty = fields.penalty(allow_null=True)
    logit_bias = fields.LogitBiasField(required=False, allow_null=True)
    seed = fields.seed()
    n = fields.choices(allow_null=True)
    stop = fields.StopField(required=False, allow_null=True)
    stop_token_ids = fields.TokenIdsField(required=False, allow_null=True)
    min_tokens = fields.min_tokens(allow_null=True)
    ignore_eos = fields.StrictBoolean(required=False, allow_null=True)
    stream = fields.StrictBoolean(required=False, allow_null=True)
    stream_options = StreamOptionsSerializer(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        check_parameters(data, self.known)
        return super().to_internal_value(data)


class ChatCompletionSerializer(GenerationSerializer):
    """The body of a chat completion."""

    messages = serializers.ListField(
        child=MessageSerializer(), min_length=1, max_length=MAX_MESSAGES
    )
    max_completion_tokens = fields.StrictInteger(
        required=False, allow_null=True, min_value=1, max_value=fields.MAX_TOKENS
    )
    logprobs = fields.StrictBoolean(required=False, allow_null=True)
    top_logprobs = fields.top_logprobs(allow_null=True)

    def validate(self, attrs: Any) -> Any:
        fields.check_logprobs(attrs)
        return attrs


_IDS = {"type": "array", "items": {"type": "integer"}}


@extend_schema_field({"oneOf": [{"type": "string"}, _IDS]})
class PromptField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """One prompt: a string, a list with one string, or a list of token ids."""

    def to_internal_value(self, data: Any) -> str | list[int]:
        if isinstance(data, list) and len(data) == 1 and isinstance(data[0], str | list):
            data = data[0]
        if isinstance(data, str):
            return data
        if not isinstance(data, list) or not data:
            raise serializers.ValidationError("Give a string or a list of token ids.")
        if isinstance(data[0], str | list):
            raise serializers.ValidationError("One prompt a request; send the others apart.")
        if not all(type(token) is int and token >= 0 for token in data):
            raise serializers.ValidationError("Token ids are whole numbers from 0.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class CompletionSerializer(GenerationSerializer):
    """The body of a completion."""

    prompt = PromptField()
    logprobs = fields.top_logprobs(allow_null=True)


class OpenAIUsageSerializer(serializers.Serializer[Any]):
    """Tokens read and made."""

    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class AnsweredMessageSerializer(serializers.Serializer[Any]):
    """What the model said."""

    role = serializers.CharField()
    content = serializers.CharField()


class ChatLogprobsSerializer(serializers.Serializer[Any]):
    """The logprobs of a chat completion."""

    content = TokenLogprobSerializer(many=True)


class ChatChoiceSerializer(serializers.Serializer[Any]):
    """One choice of a chat completion."""

    index = serializers.IntegerField()
    message = AnsweredMessageSerializer()
    logprobs = ChatLogprobsSerializer(allow_null=True)
    finish_reason = serializers.ChoiceField(["stop", "length"])


class ChatCompletionAnswerSerializer(serializers.Serializer[Any]):
    """A chat completion."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    model = serializers.CharField()
    choices = ChatChoiceSerializer(many=True)
    usage = OpenAIUsageSerializer()


class CompletionLogprobsSerializer(serializers.Serializer[Any]):
    """The logprobs of a completion, a list a member."""

    tokens = serializers.ListField(child=serializers.CharField())
    token_logprobs = serializers.ListField(child=serializers.FloatField())
    top_logprobs = serializers.ListField(
        child=serializers.DictField(child=serializers.FloatField())
    )
    text_offset = serializers.ListField(child=serializers.IntegerField())


class TextChoiceSerializer(serializers.Serializer[Any]):
    """One choice of a completion."""

    index = serializers.IntegerField()
    text = serializers.CharField()
    logprobs = CompletionLogprobsSerializer(allow_null=True)
    finish_reason = serializers.ChoiceField(["stop", "length"])


class CompletionAnswerSerializer(serializers.Serializer[Any]):
    """A completion."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    model = serializers.CharField()
    choices = TextChoiceSerializer(many=True)
    usage = OpenAIUsageSerializer()


class OpenAIErrorDetailSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    message = serializers.CharField()
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    code = serializers.CharField()


class OpenAIErrorSerializer(serializers.Serializer[Any]):
    """OpenAI's error object."""

    error = OpenAIErrorDetailSerializer()


class OpenAIModelSerializer(serializers.Serializer[Any]):
    """A model, as OpenAI describes one."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


@extend_schema_serializer(many=False)
class OpenAIModelListSerializer(serializers.Serializer[Any]):
    """All models."""

    object = serializers.CharField()
    # DRF takes the field off the class, so that it does not hide Serializer.data.
    data = OpenAIModelSerializer(many=True)  # type: ignore[assignment]
