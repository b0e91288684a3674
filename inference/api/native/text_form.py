"""How /api/v1/generate/text answers, whole or as events."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import scopes
from aiplatform.errors import ApiError, problem, problem_response
from aiplatform.json_media import encode
from inference.api.event_stream import DONE, event
from inference.api.token_logprobs import named
from inference.gateway.answered import Answered, Choice, Piece
from inference.gateway.entry import Entry
from inference.gateway.spec import GenerationSpec


class TextForm:
    """The native words for a generation."""

    door = "generate/text"
    scope = scopes.GENERATE

    def whole(self, spec: GenerationSpec, entry: Entry, answered: Answered) -> bytes:
        choices = [_choice(spec, index, one) for index, one in enumerate(answered.choices)]
        first = {name: choices[0][name] for name in choices[0] if name != "index"}
        body = {**first, **_closing(spec, entry)}
        return encode({**body, "choices": choices} if spec.n > 1 else body)

    def first(self, spec: GenerationSpec, entry: Entry) -> bytes:
        return b""

    def delta(self, spec: GenerationSpec, entry: Entry, piece: Piece) -> bytes:
        news: dict[str, Any] = {"delta": piece.text}
        if spec.n > 1:
            news["index"] = piece.choice
        if spec.sampling.logprobs is not None:
            news["logprobs"] = named(piece.logprobs)
        return event(news)

    def last(self, spec: GenerationSpec, entry: Entry, answered: Answered) -> bytes:
        closing = {"finish_reason": answered.choices[0].finish_reason, **_closing(spec, entry)}
        if spec.n > 1:
            closing["choices"] = [
                {"index": index, "finish_reason": choice.finish_reason}
                for index, choice in enumerate(answered.choices)
            ]
        return event(closing) + DONE

    def failed(self, entry: Entry, error: ApiError) -> bytes:
        return b"event: error\n" + event(problem(error, str(entry.id)))

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return problem_response(error, str(request.id))  # type: ignore[attr-defined]


def _choice(spec: GenerationSpec, index: int, choice: Choice) -> dict[str, Any]:
    answer = {
        "index": index,
        "generated_text": choice.text,
        "finish_reason": choice.finish_reason,
    }
    if spec.sampling.logprobs is None:
        return answer
    return {**answer, "logprobs": named(choice.logprobs)}


def _closing(spec: GenerationSpec, entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "model_used": spec.model.name,
        "processing_time": round(entry.duration_ms / 1000, 4),
        "usage": {
            "prompt_tokens": entry.prompt_tokens,
            "completion_tokens": entry.completion_tokens,
            "total_tokens": entry.prompt_tokens + entry.completion_tokens,
        },
    }
