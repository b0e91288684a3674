"""POST /v1/embeddings and POST /api/v1/embeddings."""

from typing import Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.principal import Principal
from aiplatform.json_media import decode
from aiplatform.problem_schema import described
from inference.api.dispatch import AsyncViewSet
from inference.api.embeddings.forms import NativeEmbeddingsForm, OpenAIEmbeddingsForm
from inference.api.embeddings.later import LaterEmbeddingsViewSet
from inference.api.embeddings.parsing import embeddings_asked
from inference.api.embeddings.serializers import (
    EmbeddingsSerializer,
    NativeEmbeddingsBodySerializer,
    NativeEmbeddingsSerializer,
    OpenAIEmbeddingsSerializer,
)
from inference.api.http_door import answer
from inference.api.native.tasks.later import asks_later, submitted
from inference.api.native.tasks.serializers import SubmittedSerializer
from inference.api.openai.serializers import OpenAIErrorSerializer
from inference.gateway.spec import EmbeddingsSpec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_BODY: Final = NativeEmbeddingsBodySerializer()
_REFUSALS: Final = (400, 401, 403, 404, 413, 415, 429, 503)


class OpenAIEmbeddingsViewSet(AsyncViewSet):
    """Embeddings, as OpenAI answers them."""

    @extend_schema(
        request=EmbeddingsSerializer,
        responses={200: OpenAIEmbeddingsSerializer}
        | dict.fromkeys(_REFUSALS, OpenAIErrorSerializer),
        operation_id="openai_embeddings_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer each text with a vector."""

        async def parse(principal: Principal) -> EmbeddingsSpec:
            return await embeddings_asked(principal, request.data)

        return await answer(request._request, OpenAIEmbeddingsForm(), parse)


class EmbeddingsViewSet(AsyncViewSet):
    """Embeddings."""

    @described(
        *("Embed texts", 200, NativeEmbeddingsSerializer, 400, 404, 409, 413, 415, 429, 503),
        request=NativeEmbeddingsBodySerializer,
        answers={202: SubmittedSerializer},
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer each text with a vector; with `async`, later."""
        if await asks_later(request._request, lambda plain: decode(plain.body)):
            return await submitted(request._request, LaterEmbeddingsViewSet)

        async def parse(principal: Principal) -> EmbeddingsSpec:
            return await embeddings_asked(principal, request.data, _BODY)

        return await answer(request._request, NativeEmbeddingsForm(), parse)
