"""POST /api/v1/generate/text."""

from functools import partial
from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.principal import Principal
from aiplatform.problem_schema import ProblemSerializer
from inference.api import fields
from inference.api.dispatch import AsyncViewSet
from inference.api.http_door import answer
from inference.api.native.serializers import (
    GeneratedTextSerializer,
    GenerateTextSerializer,
)
from inference.api.native.text_form import TextForm
from inference.api.resumable_stream import PARAMETER
from inference.engine.text.tokenizer import Tokenizer
from inference.gateway.prompting import build_spec
from inference.gateway.spec import GenerationSpec

# DRF copies every field for each serializer it makes; validation itself keeps no state.
_BODY: Final = GenerateTextSerializer()


class TextViewSet(AsyncViewSet):
    """Generate text."""

    @extend_schema(
        request=GenerateTextSerializer,
        parameters=[PARAMETER],
        responses={
            200: GeneratedTextSerializer,
            **dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 503), ProblemSerializer),
        },
    )
    async def create(self, request: Request) -> HttpResponseBase:
        """Answer a text. With `stream` the answer comes as server-sent events."""

        async def parse(principal: Principal) -> GenerationSpec:
            return await text_spec(principal, _BODY.run_validation(request.data))

        return await answer(request._request, TextForm(), parse)


async def text_spec(principal: Principal, body: dict[str, Any]) -> GenerationSpec:
    """Return what a validated body asks for. Raises ApiError."""
    text, raw = body["text"], body["raw"]

    def encode(tokenizer: Tokenizer) -> list[int]:
        if raw or not tokenizer.has_chat_template:
            return tokenizer.encode(text)
        return tokenizer.encode_chat([{"role": "user", "content": text}])

    return await build_spec(
        principal,
        model=body.get("model"),
        asked=text,
        encode=encode,
        characters=len(text),
        max_tokens=body["max_length"],
        sampling=partial(fields.sampling_of, body),
        stopping=fields.stopping_of(body),
        stream=body["stream"],
        n=body["n"],
        prompt_field="text",
        max_tokens_field="max_length",
    )
