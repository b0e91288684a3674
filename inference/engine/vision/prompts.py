"""Pictures in chat messages, and in the prompts that are made of those."""

from inference.engine.text.chat_template import TemplateError
from inference.engine.vision.files import VisionFiles

Messages = list[dict[str, object]]
PICTURE = {"type": "image"}  # the part of a content that stands for one, as templates know it


def in_parts(messages: Messages) -> Messages:
    """Return messages whose contents are lists of parts, as templates of such models want them."""
    return [
        {**one, "content": [{"type": "text", "text": one["content"]}]}
        if isinstance(one["content"], str)
        else one
        for one in messages
    ]


def picture_count(messages: Messages) -> int:
    """Return how many pictures stand in the messages."""
    contents = [one["content"] for one in messages]
    return sum(part == PICTURE for one in contents if isinstance(one, list) for part in one)


def with_pictures(text: str, messages: Messages, token: str, vision: VisionFiles) -> str:
    """Return the prompt with room for each picture where the template wrote `token`.

    Raises TemplateError where that is not as often as there are pictures: a text that held it
    would be taken for one.
    """
    written, sent = text.count(token), picture_count(messages)
    if written != sent:
        raise TemplateError(
            f"the prompt would have {written} pictures and {sent} were sent: "
            f"no text may hold {token}, and pictures belong to messages of the user"
        )
    return text.replace(token, vision.expanded(token))
