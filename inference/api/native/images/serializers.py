"""What /api/v1/upload/image takes and answers."""

from typing import Any, Final

from rest_framework import serializers

from inference.api import fields
from inference.api.native.images.upload import MAX_FILENAME
from inference.api.native.tasks.later import MayWaitSerializer
from inference.engine.task import IMAGE_CLASSIFICATION, OCR

MAX_LABELS: Final = 100  # a runner names no more
MAX_PROMPT: Final = 100_000
_MODEL_HELP: Final = (
    f"A model of the task {IMAGE_CLASSIFICATION} or {OCR}, the default of the former without one; "
    "or a chat model that reads pictures."
)


class ImageOptionsSerializer(MayWaitSerializer):
    """What may stand beside the image."""

    model = fields.StrictText(
        required=False, allow_null=True, max_length=100, help_text=_MODEL_HELP
    )
    top_k = fields.StrictInteger(
        required=False,
        min_value=1,
        max_value=MAX_LABELS,
        help_text="Of a classifier: labels at most, 5 without it.",
    )
    prompt = fields.StrictText(
        required=False,
        max_length=MAX_PROMPT,
        help_text="Of a model that talks about pictures: what it is asked.",
    )
    max_length = fields.StrictInteger(
        required=False,
        min_value=1,
        max_value=fields.MAX_TOKENS,
        help_text="Of such a model: new tokens at most, 100 without it.",
    )

    def to_internal_value(self, data: Any) -> Any:
        for name in sorted(data.keys() - self.fields.keys()):
            message = "There is no such parameter."
            raise serializers.ValidationError({name[:100]: message}, code="unknown_parameter")
        return super().to_internal_value(data)


class ImageFormSerializer(ImageOptionsSerializer):
    """A multipart body."""

    file = serializers.FileField(help_text="JPEG, PNG, WebP, GIF, BMP or TIFF.")


class ImageJsonSerializer(ImageOptionsSerializer):
    """A JSON body."""

    image = serializers.CharField(help_text="A data URL in base64: data:image/png;base64,…")
    filename = serializers.CharField(required=False, max_length=MAX_FILENAME)


class LabelSerializer(serializers.Serializer[Any]):
    """One thing that the picture may show."""

    label = serializers.CharField()  # type: ignore[assignment]  # every Field has a label of its own
    score = serializers.FloatField(help_text="How sure the model is, 0 to 1.")


class LineSerializer(serializers.Serializer[Any]):
    """A line of text in the picture."""

    text = serializers.CharField()
    score = serializers.FloatField(help_text="How sure the model is, 0 to 1; at least 0.7.")
    box = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        min_length=4, max_length=4,
        help_text="Its corners, clockwise from its beginning: x and y in pixels, upright.",
    )  # fmt: skip


class ImageResultSerializer(serializers.Serializer[Any]):
    """What a classifier says, what a model that reads found, or what one that talks says."""

    labels = LabelSerializer(many=True, required=False, help_text="The likeliest first.")
    lines = LineSerializer(many=True, required=False, help_text="From the top down.")
    text = serializers.CharField(required=False)
    finish_reason = serializers.ChoiceField(["stop", "length"], required=False)


class ImageUsageSerializer(serializers.Serializer[Any]):
    """What is counted."""

    images = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField(required=False, help_text="Where a text was made.")
    completion_tokens = serializers.IntegerField(required=False)
    total_tokens = serializers.IntegerField(required=False)


class ImageAnswerSerializer(serializers.Serializer[Any]):
    """The body of an answer."""

    id = serializers.CharField()
    result = ImageResultSerializer()
    filename = serializers.CharField(
        allow_blank=True, help_text="As it was sent: text that others may have chosen."
    )
    format = serializers.ChoiceField(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
    width = serializers.IntegerField(help_text="Pixels, as stored: before EXIF turns it.")
    height = serializers.IntegerField()
    frames = serializers.IntegerField(help_text="Of which the first is looked at.")
    size = serializers.IntegerField(help_text="Bytes.")
    model_used = serializers.CharField()
    processing_time = serializers.FloatField(help_text="Seconds.")
    usage = ImageUsageSerializer()
