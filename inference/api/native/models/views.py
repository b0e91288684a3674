"""List, read, create, change and delete models."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from accounts import scopes
from accounts.permissions import ReadOrAdminWrite
from accounts.principal import principal_of
from aiplatform.errors import ApiError
from aiplatform.idempotency.views import CreatesOnce
from aiplatform.problem_schema import described
from inference.api.native.models.pagination import ModelPagination
from inference.api.native.models.serializers import ModelSerializer
from inference.gateway.errors import unknown_model
from inference.registry.live import attach_live
from inference.registry.models import Model
from inference.registry.selectors import models_visible
from inference.registry.services import ConcurrentChangeError, model_delete, model_save


@extend_schema(tags=["models"])
@extend_schema_view(
    list=described("List models", 200, ModelSerializer(many=True), 400),
    retrieve=described("Read a model", 200, ModelSerializer, 404),
    create=described("Create a model (admins)", 201, ModelSerializer, 400),
    update=described("Change a model (admins)", 200, ModelSerializer, 400, 404, 409),
    partial_update=described("Change a model in part", 200, ModelSerializer, 400, 404, 409),
    destroy=described("Delete a model (admins)", 204, None, 404),
)
class ModelViewSet(CreatesOnce, GenericViewSet[Model]):
    """The registry. A key that is limited to some models sees and touches only those."""

    queryset = Model.objects.none()
    serializer_class = ModelSerializer
    pagination_class = ModelPagination
    permission_classes = [ReadOrAdminWrite]
    read_scope = scopes.MODELS_READ
    write_scope = scopes.MODELS_WRITE
    lookup_field = "name"
    filter_backends = []

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        attach_live(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, name: str) -> Response:
        return self._answer(self._find(name))

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self._refuse_foreign(serializer.validated_data["name"])
        return self._save(Model(), serializer, status.HTTP_201_CREATED)

    def update(self, request: Request, name: str) -> Response:
        return self._change(request, name, partial=False)

    def partial_update(self, request: Request, name: str) -> Response:
        return self._change(request, name, partial=True)

    def destroy(self, request: Request, name: str) -> Response:
        model_delete(model=self._find(name))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_queryset(self) -> QuerySet[Model]:
        """Return the models that the caller may see."""
        return models_visible(names=principal_of(self.request).allowed_models)

    def _find(self, name: str) -> Model:
        # PostgreSQL takes no NUL in a text, and no name has one.
        model = None if "\0" in name else self.get_queryset().filter(name=name).first()
        if model is None:
            raise unknown_model(name)
        return model

    def _refuse_foreign(self, name: str) -> None:
        if not principal_of(self.request).may_use_model(name):
            detail = "This API key is limited to other models and may not create this one."
            raise ApiError(403, "model_not_allowed", detail, param="name")

    def _change(self, request: Request, name: str, *, partial: bool) -> Response:
        model = self._find(name)
        serializer = self.get_serializer(model, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return self._save(model, serializer, status.HTTP_200_OK)

    def _save(self, model: Model, serializer: BaseSerializer[Any], code: int) -> Response:
        try:
            saved = model_save(model=model, fields=serializer.validated_data)
        except ConcurrentChangeError as error:
            detail = "Somebody else changed this model at the same moment. Read it and try again."
            raise ApiError(409, "concurrent_change", detail) from error
        return self._answer(saved, code)

    def _answer(self, model: Model, code: int = status.HTTP_200_OK) -> Response:
        attach_live([model])
        return Response(self.get_serializer(model).data, status=code)
