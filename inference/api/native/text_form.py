"""How /api/v1/generate/text answers, whole or as events."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from aiplatform.errors import ApiError, problem, problem_response
from aiplatform.json_media import encode
from inference.api.event_stream import DONE, event
from inference.gateway.entry import Entry
from inference.gateway.spec import GenerationSpec


class TextForm:
    """The native words for a generation."""

    door = "generate/text"

    def whole(self, spec: GenerationSpec, entry: Entry) -> bytes:
        return encode({"generated_text": entry.answered, **_closing(spec, entry)})

    def first(self, spec: GenerationSpec, entry: Entry) -> bytes:
        return b""

    def delta(self, spec: GenerationSpec, entry: Entry, text: str) -> bytes:
        return event({"delta": text})

    def last(self, spec: GenerationSpec, entry: Entry) -> bytes:
        return event(_closing(spec, entry)) + DONE

    def failed(self, entry: Entry, error: ApiError) -> bytes:
        return b"event: error\n" + event(problem(error, str(entry.id)))

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return problem_response(error, str(request.id))  # type: ignore[attr-defined]


def _closing(spec: GenerationSpec, entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "model_used": spec.model.name,
        "finish_reason": entry.finish_reason,
        "processing_time": round(entry.duration_ms / 1000, 4),
        "usage": {
            "prompt_tokens": entry.prompt_tokens,
            "completion_tokens": entry.completion_tokens,
            "total_tokens": entry.prompt_tokens + entry.completion_tokens,
        },
    }
