"""Addresses of every door, each with and without a trailing slash."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path

from inference.api.embeddings.views import EmbeddingsViewSet, OpenAIEmbeddingsViewSet
from inference.api.native.images.views import ImageUploadViewSet
from inference.api.native.text import TextViewSet
from inference.api.openai.batches.views import BatchViewSet
from inference.api.openai.completions import ChatCompletionViewSet, CompletionViewSet
from inference.api.openai.files.views import FileViewSet
from inference.api.openai.models import OpenAIModelViewSet
from inference.api.scoring.views import ModerationViewSet, RerankViewSet
from inference.api.streams.views import NativeStreamViewSet, OpenAIStreamViewSet


def _both(route: str, viewset: Any, actions: dict[str, str]) -> list[URLPattern | URLResolver]:
    """Return the route without and with a slash; a redirect would turn a POST into a GET."""
    # The second is left out of the schema: it is the same operation.
    return [
        path(route, viewset.as_view(actions)),
        path(f"{route}/", viewset.as_view(actions, schema=None)),
    ]


_STREAM: dict[str, str] = {"get": "retrieve", "delete": "destroy"}

urlpatterns = [
    # Tried in order: what is asked most comes first.
    *_both("v1/chat/completions", ChatCompletionViewSet, {"post": "create"}),
    *_both("api/v1/generate/text", TextViewSet, {"post": "create"}),
    *_both("v1/embeddings", OpenAIEmbeddingsViewSet, {"post": "create"}),
    *_both("api/v1/embeddings", EmbeddingsViewSet, {"post": "create"}),
    *_both("v1/rerank", RerankViewSet, {"post": "create"}),
    *_both("v1/moderations", ModerationViewSet, {"post": "create"}),
    *_both("api/v1/upload/image", ImageUploadViewSet, {"post": "create"}),
    *_both("v1/models", OpenAIModelViewSet, {"get": "list"}),
    *_both("v1/models/<str:name>", OpenAIModelViewSet, {"get": "retrieve"}),
    path("api/v1/", include("inference.api.native.models.urls")),
    path("api/v1/", include("inference.api.native.requests.urls")),
    path("api/v1/", include("inference.api.native.usage.urls")),
    path("api/v1/", include("inference.api.native.quotas.urls")),
    path("api/v1/", include("inference.api.native.webhooks.urls")),
    path("api/v1/", include("inference.api.native.tasks.urls")),
    *_both("v1/streams/<str:stream_id>", OpenAIStreamViewSet, _STREAM),
    *_both("api/v1/streams/<str:stream_id>", NativeStreamViewSet, _STREAM),
    *_both("v1/files", FileViewSet, {"get": "list", "post": "create"}),
    *_both("v1/files/<str:file_id>", FileViewSet, {"get": "retrieve", "delete": "destroy"}),
    *_both("v1/files/<str:file_id>/content", FileViewSet, {"get": "content"}),
    *_both("v1/batches", BatchViewSet, {"get": "list", "post": "create"}),
    *_both("v1/batches/<str:batch_id>", BatchViewSet, {"get": "retrieve"}),
    *_both("v1/batches/<str:batch_id>/cancel", BatchViewSet, {"post": "cancel"}),
    *_both("v1/completions", CompletionViewSet, {"post": "create"}),
]
