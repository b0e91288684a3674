"""POST /v1/chat/completions and POST /v1/completions."""

from functools import partial
from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.api import fields
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import answer
from inference.api.openai.form import ChatForm, CompletionForm, OpenAIForm
from inference.api.openai.serializers import (
    ChatCompletionAnswerSerializer,
    ChatCompletionSerializer,
    CompletionAnswerSerializer,
    CompletionSerializer,
    OpenAIErrorSerializer,
)
from inference.engine.text.tokenizer import Tokenizer
from inference.gateway.prompting import Encode, build_spec
from inference.gateway.spec import GenerationSpec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_CHAT_BODY: Final = ChatCompletionSerializer()
_COMPLETION_BODY: Final = CompletionSerializer()
_ERRORS: Final = dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 503), OpenAIErrorSerializer)
_COMPLETION_TOKENS: Final = 16  # OpenAI's default for /v1/completions


class ChatCompletionViewSet(AsyncViewSet):
    """Chat completions."""

    @extend_schema(
        request=ChatCompletionSerializer,
        responses={200: ChatCompletionAnswerSerializer, **_ERRORS},
        operation_id="chat_completions_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer a conversation. With `stream` the answer comes as server-sent events."""
        form = ChatForm()

        async def parse(principal: Principal) -> GenerationSpec:
            return await _chat_spec(principal, form, _CHAT_BODY.run_validation(request.data))

        return await answer(request._request, form, parse)


class CompletionViewSet(AsyncViewSet):
    """Completions."""

    @extend_schema(
        request=CompletionSerializer,
        responses={200: CompletionAnswerSerializer, **_ERRORS},
        operation_id="completions_create",
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Continue a prompt. With `stream` the answer comes as server-sent events."""
        form = CompletionForm()

        async def parse(principal: Principal) -> GenerationSpec:
            body = _COMPLETION_BODY.run_validation(request.data)
            return await _completion_spec(principal, form, body)

        return await answer(request._request, form, parse)


async def _chat_spec(
    principal: Principal, form: OpenAIForm, body: dict[str, Any]
) -> GenerationSpec:
    messages = [_message(one) for one in body["messages"]]
    limit = body.get("max_completion_tokens")
    return await _spec(
        principal,
        form,
        body,
        asked=messages,
        encode=lambda tokenizer: tokenizer.encode_chat(messages),
        characters=sum(len(one["content"]) for one in messages),
        max_tokens=limit if limit is not None else body.get("max_tokens"),
        prompt_field="messages",
    )


async def _completion_spec(
    principal: Principal, form: OpenAIForm, body: dict[str, Any]
) -> GenerationSpec:
    prompt = body["prompt"]
    limit = body.get("max_tokens")

    def encode(tokenizer: Tokenizer) -> list[int]:
        return tokenizer.encode(prompt) if isinstance(prompt, str) else _known(prompt, tokenizer)

    return await _spec(
        principal,
        form,
        body,
        asked=prompt,
        encode=encode,
        characters=len(prompt),
        max_tokens=_COMPLETION_TOKENS if limit is None else limit,
        prompt_field="prompt",
    )


def _known(ids: list[int], tokenizer: Tokenizer) -> list[int]:
    """Return `ids`. Raises ApiError for one that the model does not have."""
    size = tokenizer.vocabulary_size
    if max(ids) >= size:
        detail = f"prompt: a token id is over {size - 1}, the last one of this model."
        raise ApiError(400, "invalid_request", detail, param="prompt")
    return ids


async def _spec(
    principal: Principal,
    form: OpenAIForm,
    body: dict[str, Any],
    *,
    asked: Any,
    encode: Encode,
    characters: int,
    max_tokens: int | None,
    prompt_field: str,
) -> GenerationSpec:
    form.include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return await build_spec(
        principal,
        model=body.get("model"),
        asked=asked,
        encode=encode,
        characters=characters,
        max_tokens=max_tokens,
        sampling=partial(fields.sampling_of, body),
        stopping=fields.stopping_of(body),
        stream=bool(body.get("stream")),
        n=body.get("n") or 1,
        prompt_field=prompt_field,
        max_tokens_field="max_tokens",
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    # `developer` is OpenAI's newer word for the system's message; templates know the older one.
    role = "system" if message["role"] == "developer" else message["role"]
    return {**message, "role": role}
