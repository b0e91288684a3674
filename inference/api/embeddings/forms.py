"""How embeddings are answered, in OpenAI's words and in our own."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import scopes
from aiplatform.errors import ApiError, openai_response, problem_response
from aiplatform.json_media import encode
from inference.api.answer import WholeForm
from inference.api.embeddings.vectors import FLOAT_BYTES, written
from inference.engine.wire import Vector
from inference.gateway.answered import Answered
from inference.gateway.entry import Entry
from inference.gateway.spec import EmbeddingsSpec


class OpenAIEmbeddingsForm(WholeForm):
    """/v1/embeddings."""

    door = "embeddings"
    scope = scopes.EMBED

    def whole(self, spec: EmbeddingsSpec, entry: Entry, answered: Answered) -> bytes:
        vectors = written(answered.outputs, spec.encoding)
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        model, usage = spec.model.name, read_usage(entry)
        return encode({"object": "list", "data": data, "model": model, "usage": usage})

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return openai_response(error)


class NativeEmbeddingsForm(WholeForm):
    """/api/v1/embeddings."""

    door = "embeddings"
    scope = scopes.EMBED

    def whole(self, spec: EmbeddingsSpec, entry: Entry, answered: Answered) -> bytes:
        sizes = (len(one.values) for one in answered.outputs if isinstance(one, Vector))
        body = {
            "id": str(entry.id),
            "embeddings": written(answered.outputs, spec.encoding),
            "dimensions": next(sizes, 0) // FLOAT_BYTES,
            "model_used": spec.model.name,
            "processing_time": round(entry.duration_ms / 1000, 4),
            "usage": read_usage(entry),
        }
        return encode(body)

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return problem_response(error, str(request.id))  # type: ignore[attr-defined]


def read_usage(entry: Entry) -> dict[str, Any]:
    """Return the tokens that were read, in OpenAI's words."""
    return {"prompt_tokens": entry.prompt_tokens, "total_tokens": entry.prompt_tokens}
