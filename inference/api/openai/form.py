"""How /v1 answers: chat completions and completions, whole or as chunks."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from aiplatform.errors import ApiError, openai_error, openai_response
from aiplatform.json_media import encode
from inference.api.event_stream import DONE, event
from inference.gateway.entry import Entry
from inference.gateway.spec import GenerationSpec


class OpenAIForm:
    """What both routes share; the subclasses say how a choice looks."""

    door = ""
    id_prefix = ""
    whole_object = ""
    chunk_object = ""

    def __init__(self) -> None:
        self.include_usage = False

    def choice(self, text: str) -> dict[str, Any]:
        """Return the part of a whole answer's choice that holds `text`."""
        raise NotImplementedError

    def chunk_choice(self, text: str | None) -> dict[str, Any]:
        """Return the part of a chunk's choice that holds `text`, or nothing."""
        raise NotImplementedError

    def whole(self, spec: GenerationSpec, entry: Entry) -> bytes:
        choice = {**self.choice(entry.answered), **_ending(entry.finish_reason)}
        body = self._envelope(spec, entry, self.whole_object, [choice])
        return encode({**body, "usage": _usage(entry)})

    def first(self, spec: GenerationSpec, entry: Entry) -> bytes:
        return b""

    def delta(self, spec: GenerationSpec, entry: Entry, text: str) -> bytes:
        return self._chunk(spec, entry, [{**self.chunk_choice(text), **_ending(None)}])

    def last(self, spec: GenerationSpec, entry: Entry) -> bytes:
        end = self._chunk(
            spec, entry, [{**self.chunk_choice(None), **_ending(entry.finish_reason)}]
        )
        if self.include_usage:
            body = self._envelope(spec, entry, self.chunk_object, [])
            end += event({**body, "usage": _usage(entry)})
        return end + DONE

    def failed(self, entry: Entry, error: ApiError) -> bytes:
        return event(openai_error(error))

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return openai_response(error)

    def _chunk(self, spec: GenerationSpec, entry: Entry, choices: list[dict[str, Any]]) -> bytes:
        body = self._envelope(spec, entry, self.chunk_object, choices)
        # OpenAI's chunks carry `usage: null` until the last, once it has been asked for.
        return event({**body, "usage": None} if self.include_usage else body)

    def _envelope(
        self, spec: GenerationSpec, entry: Entry, kind: str, choices: list[dict[str, Any]]
    ) -> dict[str, Any]:
        return {
            "id": f"{self.id_prefix}-{entry.id}",
            "object": kind,
            "created": int(entry.created_at.timestamp()),
            "model": spec.model.name,
            "choices": choices,
        }


class ChatForm(OpenAIForm):
    """Chat completions."""

    door = "chat/completions"
    id_prefix = "chatcmpl"
    whole_object = "chat.completion"
    chunk_object = "chat.completion.chunk"

    def choice(self, text: str) -> dict[str, Any]:
        return {"index": 0, "message": {"role": "assistant", "content": text}}

    def chunk_choice(self, text: str | None) -> dict[str, Any]:
        return {"index": 0, "delta": {} if text is None else {"content": text}}

    def first(self, spec: GenerationSpec, entry: Entry) -> bytes:
        opening = {"index": 0, "delta": {"role": "assistant", "content": ""}, **_ending(None)}
        return self._chunk(spec, entry, [opening])


class CompletionForm(OpenAIForm):
    """Completions."""

    door = "completions"
    id_prefix = "cmpl"
    whole_object = "text_completion"
    chunk_object = "text_completion"

    def choice(self, text: str) -> dict[str, Any]:
        return {"index": 0, "text": text}

    def chunk_choice(self, text: str | None) -> dict[str, Any]:
        return {"index": 0, "text": text or ""}


def _ending(reason: str | None) -> dict[str, Any]:
    return {"logprobs": None, "finish_reason": reason}


def _usage(entry: Entry) -> dict[str, Any]:
    return {
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "total_tokens": entry.prompt_tokens + entry.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": entry.cached_tokens},
    }
