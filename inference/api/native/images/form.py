"""How /api/v1/upload/image answers."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import scopes
from aiplatform.errors import ApiError, problem_response
from aiplatform.json_media import encode
from inference.api.answer import WholeForm
from inference.engine.wire import Labels, Line, Lines, Output
from inference.gateway.answered import Answered
from inference.gateway.entry import Entry
from inference.gateway.picturing import PictureSpec


class ImageForm(WholeForm):
    """The native words for what a picture shows."""

    door = "upload/image"
    scope = scopes.IMAGES

    def whole(self, spec: PictureSpec, entry: Entry, answered: Answered) -> bytes:
        (output,) = answered.outputs
        return encode(
            {
                "id": str(entry.id),
                "result": _result(output, spec.top_k),
                "filename": spec.filename,
                "format": spec.facts.format,
                "width": spec.facts.width,
                "height": spec.facts.height,
                "frames": spec.facts.frames,
                "size": spec.size,
                "model_used": spec.model.name,
                "processing_time": round(entry.duration_ms / 1000, 4),
                "usage": {"images": entry.images},
            }
        )

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return problem_response(error, str(request.id))  # type: ignore[attr-defined]


def _result(output: Output, top_k: int) -> dict[str, Any]:
    if isinstance(output, Lines):
        return {"lines": [_line(one) for one in output.lines]}
    assert isinstance(output, Labels)
    labels = output.labels[:top_k]
    return {"labels": [{"label": one.name, "score": round(one.score, 6)} for one in labels]}


def _line(line: Line) -> dict[str, Any]:
    return {"text": line.text, "score": round(line.score, 6), "box": line.corners}
