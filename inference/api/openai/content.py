"""What a chat message holds: a text, or texts and pictures in their order."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from aiplatform.errors import ApiError
from inference.api.data_urls import data_url_content
from inference.engine.vision.prompts import PICTURE
from inference.gateway.picture_files import Picture, picture_of

MAX_PARTS: Final = 1_000  # of one message
MAX_PICTURES: Final = 16  # of one request
IMAGE_URL: Final = "image_url"
_TEXT_PART: Final = {
    "type": "object",
    "properties": {"type": {"enum": ["text"]}, "text": {"type": "string"}},
    "required": ["type", "text"],
}
_URL: Final = {"type": "string", "description": "A data URL in base64: data:image/png;base64,…"}
_IMAGE_PART: Final = {
    "type": "object",
    "properties": {
        "type": {"enum": [IMAGE_URL]},
        IMAGE_URL: {"type": "object", "properties": {"url": _URL}, "required": ["url"]},
    },
    "required": ["type", IMAGE_URL],
}
_PARTS: Final = {"type": "array", "items": {"oneOf": [_TEXT_PART, _IMAGE_PART]}, "minItems": 1}


@extend_schema_field({"oneOf": [{"type": "string"}, _PARTS]})
class ContentField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """A string, or a list of parts. Texts alone become one text; the rest stays a list."""

    def to_internal_value(self, data: Any) -> str | list[dict[str, str]]:
        if isinstance(data, str):
            return data
        if not isinstance(data, list) or not data:
            raise serializers.ValidationError("Give a string or a list of parts.")
        if len(data) > MAX_PARTS:
            raise serializers.ValidationError(f"It has over {MAX_PARTS} parts.")
        parts = [self._part(part) for part in data]
        if all("text" in part for part in parts):
            return "".join(part["text"] for part in parts)
        return parts

    def _part(self, part: Any) -> dict[str, str]:
        match part:
            case {"type": "text", "text": str(text)}:
                return {"text": text}
            case {"type": "image_url", "image_url": {"url": str(url), **others}}:
                if others.keys() - {"detail"}:
                    raise serializers.ValidationError("An image has a `url`, and a `detail`.")
                return {"url": url}
            case {"type": "text"}:
                raise serializers.ValidationError("A text part has a string `text`.")
            case {"type": "image_url" | "input_image" | "image"}:
                message = 'Write images as {"type": "image_url", "image_url": {"url": "data:…"}}.'
                raise serializers.ValidationError(message)
        message = "Only parts of type `text` and `image_url` are supported."
        raise serializers.ValidationError(message)

    def to_representation(self, value: Any) -> Any:
        return value


class Conversation(NamedTuple):
    """Messages as templates take them, as the history keeps them, and the pictures in them."""

    messages: list[dict[str, Any]]
    asked: list[dict[str, Any]]
    pictures: list[Picture]

    @property
    def characters(self) -> int:
        """Return how long its texts are."""
        contents = [one["content"] for one in self.messages]
        return sum(
            len(one) if isinstance(one, str) else sum(len(part.get("text", "")) for part in one)
            for one in contents
        )


async def conversation(messages: Sequence[dict[str, Any]]) -> Conversation:
    """Return what validated messages hold. Raises ApiError for what is no picture."""
    if all(isinstance(one["content"], str) for one in messages):
        return Conversation(list(messages), list(messages), [])
    return await asyncio.to_thread(_read, messages)


def _read(messages: Sequence[dict[str, Any]]) -> Conversation:
    read = Conversation([], [], [])
    for number, message in enumerate(messages):
        content = message["content"]
        told, noted = (
            (content, content)
            if isinstance(content, str)
            else _parts(content, f"messages[{number}].content", read.pictures)
        )
        read.messages.append({**message, "content": told})
        read.asked.append({**message, "content": noted})
    return read


def _parts(parts: list[dict[str, str]], at: str, pictures: list[Picture]) -> tuple[Any, Any]:
    """Return the parts for the template and for the history; add the pictures among them."""
    told, noted = list[Any](), list[Any]()
    for place, part in enumerate(parts):
        if "text" in part:
            text = {"type": "text", "text": part["text"]}
            told.append(text)
            noted.append(text)
            continue
        picture = _picture(part["url"], f"{at}[{place}].{IMAGE_URL}.url", pictures)
        told.append(PICTURE)
        noted.append({"type": IMAGE_URL, **picture.noted()})
    return told, noted


def _picture(url: str, param: str, pictures: list[Picture]) -> Picture:
    if len(pictures) == MAX_PICTURES:
        detail = f"{param}: one request holds {MAX_PICTURES} images at most."
        raise ApiError(400, "invalid_request", detail, param=param)
    picture = picture_of(data_url_content(url, param), param)
    pictures.append(picture)
    return picture
