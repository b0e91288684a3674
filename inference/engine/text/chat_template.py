"""A model's chat template: messages in, prompt text out, within bounds."""

from collections.abc import Iterator, Mapping
from typing import Final

import jinja2

from inference.engine.text.sandbox import Refused, Sandbox, budget

_MAX_SOURCE_CHARACTERS: Final = 1024 * 1024
_MAX_PROMPT_CHARACTERS: Final = 16 * 1024 * 1024
_MAX_REASON_CHARACTERS: Final = 200
# What running a template on unexpected messages raises, beside jinja's own errors.
_FAILURES: Final = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
)


class TemplateError(Exception):
    """The template cannot turn these messages into a prompt. The text is safe to show."""


class ChatTemplate:
    """One compiled template. Its source comes with the model: it is data, never trusted code."""

    def __init__(self, source: str) -> None:
        """Raise TemplateError if `source` is too long or no template."""
        if len(source) > _MAX_SOURCE_CHARACTERS:
            raise TemplateError(
                f"the model's chat template is longer than {_MAX_SOURCE_CHARACTERS} characters"
            )
        try:
            self._template = Sandbox().compile_metered(source)
        except (jinja2.TemplateError, RecursionError) as error:
            raise TemplateError("the model's chat template is not a valid template") from error

    def render(self, messages: list[dict[str, object]], named_tokens: Mapping[str, str]) -> str:
        """Return the prompt for `messages`, open where the assistant is to answer."""
        pieces = self._template.generate(
            messages=messages,
            tools=None,
            documents=None,
            add_generation_prompt=True,
            **named_tokens,
        )
        try:
            with budget():
                return _join(pieces)
        except Refused as error:
            raise TemplateError(_refusal(str(error))) from error
        except _FAILURES as error:
            raise TemplateError(
                "the model's chat template cannot render these messages; "
                "check their roles and that each has a content it understands"
            ) from error


def _join(pieces: Iterator[str]) -> str:
    parts: list[str] = []
    room = _MAX_PROMPT_CHARACTERS
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise Refused(f"the prompt is longer than {_MAX_PROMPT_CHARACTERS} characters")
        parts.append(piece)
    return "".join(parts)


def _refusal(reason: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in reason)
    return f"the model's chat template refused the messages: {printable[:_MAX_REASON_CHARACTERS]}"
