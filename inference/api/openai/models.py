"""GET /v1/models and /v1/models/{id}."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts import scopes
from accounts.authentication import authenticate
from accounts.errors import AuthenticationRefused
from aiplatform.errors import ApiError, openai_response
from aiplatform.json_media import encode
from inference.api.dispatch import AsyncViewSet
from inference.api.openai.serializers import (
    OpenAIErrorSerializer,
    OpenAIModelListSerializer,
    OpenAIModelSerializer,
)
from inference.gateway import errors
from inference.gateway.served import ServedModel, served_models

_ERRORS = {401: OpenAIErrorSerializer, 403: OpenAIErrorSerializer}


class OpenAIModelViewSet(AsyncViewSet):
    """The models a key may use."""

    @extend_schema(
        responses={200: OpenAIModelListSerializer, **_ERRORS}, operation_id="openai_models_list"
    )
    async def list(self, request: Request) -> HttpResponse:
        """List the models that can be asked."""
        try:
            models = await _models(request)
        except ApiError as error:
            return openai_response(error)
        return _json({"object": "list", "data": [_model(one) for one in models]})

    @extend_schema(
        responses={200: OpenAIModelSerializer, 404: OpenAIErrorSerializer, **_ERRORS},
        operation_id="openai_models_retrieve",
    )
    async def retrieve(self, request: Request, name: str) -> HttpResponse:
        """Read one model."""
        try:
            found = [model for model in await _models(request) if model.name == name]
        except ApiError as error:
            return openai_response(error)
        return _json(_model(found[0])) if found else openai_response(errors.unknown_model(name))


async def _models(request: Request) -> list[ServedModel]:
    try:
        principal = await authenticate(request._request)
    except AuthenticationRefused as refused:
        raise ApiError(401, refused.code, refused.detail) from refused
    if scopes.MODELS_READ not in principal.scopes:
        raise errors.scope_missing(scopes.MODELS_READ)
    return await served_models(principal)


def _model(model: ServedModel) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": "aiplatform",
        "context_length": model.context_length,
    }


def _json(body: Any) -> HttpResponse:
    return HttpResponse(encode(body), content_type="application/json")
