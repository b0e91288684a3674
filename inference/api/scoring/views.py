"""POST /v1/moderations and POST /v1/rerank."""

from typing import Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.principal import Principal
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import answer
from inference.api.openai.serializers import OpenAIErrorSerializer
from inference.api.scoring.forms import ModerationForm, RerankForm
from inference.api.scoring.serializers import (
    ModerationAnswerSerializer,
    ModerationSerializer,
    RerankAnswerSerializer,
    RerankSerializer,
)
from inference.gateway.spec import ItemsSpec
from inference.gateway.text_items import moderation_spec, rerank_spec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_MODERATION: Final = ModerationSerializer()
_RERANK: Final = RerankSerializer()
_ERRORS: Final = dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 503), OpenAIErrorSerializer)


class ModerationViewSet(AsyncViewSet):
    """Moderation."""

    @extend_schema(
        request=ModerationSerializer,
        responses={200: ModerationAnswerSerializer, **_ERRORS},
        operation_id="moderations_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Say of each text what categories it falls into."""

        async def parse(principal: Principal) -> ItemsSpec:
            body = _MODERATION.run_validation(request.data)
            return await moderation_spec(
                principal, model=body.get("model"), inputs=body["input"], asked=body["input"]
            )

        return await answer(request._request, ModerationForm(), parse)


class RerankViewSet(AsyncViewSet):
    """Rerank."""

    @extend_schema(
        request=RerankSerializer,
        responses={200: RerankAnswerSerializer, **_ERRORS},
        operation_id="rerank_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Order documents by how well they answer a query."""
        form = RerankForm()

        async def parse(principal: Principal) -> ItemsSpec:
            body = _RERANK.run_validation(request.data)
            form.top_n = body.get("top_n")
            form.documents = body["documents"] if body["return_documents"] else []
            return await rerank_spec(
                principal,
                model=body.get("model"),
                query=body["query"],
                documents=body["documents"],
                asked={"query": body["query"], "documents": body["documents"]},
                truncate=body["truncate"],
            )

        return await answer(request._request, form, parse)
