"""How classifiers of texts are answered."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from accounts import scopes
from aiplatform.errors import ApiError, openai_response
from aiplatform.json_media import encode
from inference.api.answer import WholeForm
from inference.api.embeddings.forms import read_usage
from inference.engine.wire import Labels, Output
from inference.gateway.answered import Answered
from inference.gateway.entry import Entry
from inference.gateway.spec import ItemsSpec

FLAGGED_FROM: Final = 0.5
# How classifiers call what needs no moderation; such a label flags nothing.
HARMLESS: Final = frozenset(
    {"safe", "neutral", "ok", "none", "normal", "clean", "acceptable", "nontoxic", "notoffensive"}
)


class ModerationForm(WholeForm):
    """/v1/moderations."""

    door = "moderations"
    scope = scopes.GENERATE

    def whole(self, spec: ItemsSpec, entry: Entry, answered: Answered) -> bytes:
        results = [_moderated(output) for output in answered.outputs]
        return encode({"id": f"modr-{entry.id}", "model": spec.model.name, "results": results})

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return openai_response(error)


class RerankForm(WholeForm):
    """/v1/rerank."""

    door = "rerank"
    scope = scopes.GENERATE

    def __init__(self) -> None:
        self.top_n: int | None = None
        self.documents: list[str] = []  # to send back; empty: not asked for

    def whole(self, spec: ItemsSpec, entry: Entry, answered: Answered) -> bytes:
        scores = [_score(output) for output in answered.outputs]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        results = [self._ranked(place, scores[place]) for place in order[: self.top_n]]
        model, usage = spec.model.name, read_usage(entry)
        return encode(
            {"id": f"rerank-{entry.id}", "model": model, "results": results, "usage": usage}
        )

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return openai_response(error)

    def _ranked(self, place: int, score: float) -> dict[str, Any]:
        ranked: dict[str, Any] = {"index": place, "relevance_score": score}
        return {**ranked, "document": {"text": self.documents[place]}} if self.documents else ranked


def _moderated(output: Output) -> dict[str, Any]:
    scores = {one.name: one.score for one in output.labels} if isinstance(output, Labels) else {}
    found = {name: score >= FLAGGED_FROM for name, score in scores.items()}
    flagged = any(found[name] for name in found if not _is_harmless(name))
    return {"flagged": flagged, "categories": found, "category_scores": scores}


def _is_harmless(label: str) -> bool:
    return "".join(filter(str.isalpha, label.lower())) in HARMLESS


def _score(output: Output) -> float:
    return output.labels[0].score if isinstance(output, Labels) else 0.0
