"""POST /v1/chat/completions and POST /v1/completions."""

from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.principal import Principal
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import answer
from inference.api.openai.form import ChatForm, CompletionForm
from inference.api.openai.serializers import (
    ChatCompletionAnswerSerializer,
    ChatCompletionSerializer,
    CompletionAnswerSerializer,
    CompletionSerializer,
    OpenAIErrorSerializer,
)
from inference.api.openai.specs import chat_spec, completion_spec
from inference.api.resumable_stream import PARAMETER
from inference.gateway.spec import GenerationSpec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_CHAT_BODY: Final = ChatCompletionSerializer()
_COMPLETION_BODY: Final = CompletionSerializer()
_ERRORS: Final = dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 503), OpenAIErrorSerializer)


class ChatCompletionViewSet(AsyncViewSet):
    """Chat completions."""

    @extend_schema(
        request=ChatCompletionSerializer,
        parameters=[PARAMETER],
        responses={200: ChatCompletionAnswerSerializer, **_ERRORS},
        operation_id="chat_completions_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer a conversation. With `stream` the answer comes as server-sent events."""
        form = ChatForm()

        async def parse(principal: Principal) -> GenerationSpec:
            body = _CHAT_BODY.run_validation(request.data)
            form.include_usage = _wants_usage(body)
            return await chat_spec(principal, body)

        return await answer(request._request, form, parse)


class CompletionViewSet(AsyncViewSet):
    """Completions."""

    @extend_schema(
        request=CompletionSerializer,
        parameters=[PARAMETER],
        responses={200: CompletionAnswerSerializer, **_ERRORS},
        operation_id="completions_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Continue a prompt. With `stream` the answer comes as server-sent events."""
        form = CompletionForm()

        async def parse(principal: Principal) -> GenerationSpec:
            body = _COMPLETION_BODY.run_validation(request.data)
            form.include_usage = _wants_usage(body)
            return await completion_spec(principal, body)

        return await answer(request._request, form, parse)


def _wants_usage(body: dict[str, Any]) -> bool:
    return bool((body.get("stream_options") or {}).get("include_usage"))
