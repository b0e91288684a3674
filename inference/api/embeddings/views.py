"""POST /v1/embeddings and POST /api/v1/embeddings."""

from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.principal import Principal
from aiplatform.problem_schema import described
from inference.api.dispatch import AsyncViewSet
from inference.api.embeddings.forms import NativeEmbeddingsForm, OpenAIEmbeddingsForm
from inference.api.embeddings.serializers import (
    EmbeddingsSerializer,
    NativeEmbeddingsSerializer,
    OpenAIEmbeddingsSerializer,
)
from inference.api.http_door import answer
from inference.api.openai.serializers import OpenAIErrorSerializer
from inference.gateway.spec import ItemsSpec
from inference.gateway.text_items import embeddings_spec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_BODY: Final = EmbeddingsSerializer()
_REFUSALS: Final = (400, 401, 403, 404, 413, 415, 429, 503)


async def embeddings_asked(
    principal: Principal, data: Any, form: OpenAIEmbeddingsForm | NativeEmbeddingsForm
) -> ItemsSpec:
    """Return what a body asks for. Raises ApiError, and ValidationError of DRF."""
    body = _BODY.run_validation(data)
    form.encoding = body["encoding_format"]
    return await embeddings_spec(
        principal,
        model=body.get("model"),
        inputs=body["input"],
        asked=data["input"],
        dimensions=body.get("dimensions"),
        truncate=body["truncate"],
    )


class OpenAIEmbeddingsViewSet(AsyncViewSet):
    """Embeddings, as OpenAI answers them."""

    @extend_schema(
        request=EmbeddingsSerializer,
        responses={200: OpenAIEmbeddingsSerializer}
        | dict.fromkeys(_REFUSALS, OpenAIErrorSerializer),
        operation_id="embeddings_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer each text with a vector."""
        form = OpenAIEmbeddingsForm()

        async def parse(principal: Principal) -> ItemsSpec:
            return await embeddings_asked(principal, request.data, form)

        return await answer(request._request, form, parse)


class EmbeddingsViewSet(AsyncViewSet):
    """Embeddings."""

    @described(
        *("Embed texts", 200, NativeEmbeddingsSerializer, 400, 404, 413, 415, 429, 503),
        request=EmbeddingsSerializer,
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer each text with a vector."""
        form = NativeEmbeddingsForm()

        async def parse(principal: Principal) -> ItemsSpec:
            return await embeddings_asked(principal, request.data, form)

        return await answer(request._request, form, parse)
