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
from inference.gateway.picturing import CaptionSpec, PictureSpec


class ImageForm(WholeForm):
    """The native words for what a picture shows."""

    door = "upload/image"
    scope = scopes.IMAGES

    def whole(self, spec: PictureSpec | CaptionSpec, entry: Entry, answered: Answered) -> bytes:
        facts = spec.picture.facts
        return encode(
            {
                "id": str(entry.id),
                "result": _result(spec, answered),
                "filename": spec.filename,
                "format": facts.format,
                "width": facts.width,
                "height": facts.height,
                "frames": facts.frames,
                "size": len(spec.picture.content),
                "model_used": spec.model.name,
                "processing_time": round(entry.duration_ms / 1000, 4),
                "usage": {"images": entry.images, **_tokens(spec, entry)},
            }
        )

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return problem_response(error, str(request.id))  # type: ignore[attr-defined]


def _result(spec: PictureSpec | CaptionSpec, answered: Answered) -> dict[str, Any]:
    if isinstance(spec, CaptionSpec):
        (choice,) = answered.choices
        return {"text": choice.text, "finish_reason": choice.finish_reason}
    (output,) = answered.outputs
    return _told(output, spec.top_k)


def _told(output: Output, top_k: int) -> dict[str, Any]:
    if isinstance(output, Lines):
        return {"lines": [_line(one) for one in output.lines]}
    assert isinstance(output, Labels)
    labels = output.labels[:top_k]
    return {"labels": [{"label": one.name, "score": round(one.score, 6)} for one in labels]}


def _line(line: Line) -> dict[str, Any]:
    return {"text": line.text, "score": round(line.score, 6), "box": line.corners}


def _tokens(spec: PictureSpec | CaptionSpec, entry: Entry) -> dict[str, int]:
    if isinstance(spec, PictureSpec):
        return {}
    return {
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "total_tokens": entry.prompt_tokens + entry.completion_tokens,
    }
