"""List, make, read, change, rotate and revoke keys."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import scopes
from accounts.api.keys.pagination import KeyPagination
from accounts.api.keys.serializers import (
    KeyQuerySerializer,
    KeySerializer,
    MadeKeySerializer,
    NewKeySerializer,
    RotationSerializer,
)
from accounts.models import ApiKey, User
from accounts.permissions import HasScope
from accounts.principal import Principal, principal_of
from accounts.rate_limits import rate_limited
from accounts.selectors import keys_listed, keys_visible
from accounts.services import (
    api_key_revoke,
    managed_key_create,
    managed_key_rotate,
    managed_key_update,
)
from aiplatform.errors import ApiError
from aiplatform.idempotency.views import CreatesOnce
from aiplatform.problem_schema import described


@extend_schema(tags=["keys"])
@extend_schema_view(
    list=extend_schema(parameters=[KeyQuerySerializer]),
    create=extend_schema(request=NewKeySerializer),
)
class KeyViewSet(CreatesOnce, GenericViewSet[ApiKey]):
    """The caller's keys; for an admin everybody's. Nobody gives a key more than they have."""

    queryset = ApiKey.objects.none()
    serializer_class = KeySerializer
    pagination_class = KeyPagination
    permission_classes = [HasScope]
    required_scope = scopes.ADMIN
    lookup_field = "id"
    filter_backends = []

    @described("List keys", 200, KeySerializer(many=True), 400)
    def list(self, request: Request) -> Response:
        """The newest first; one's own unless an admin names a user."""
        asked = _valid(KeyQuerySerializer(data=request.query_params.dict()))
        owner = self._named(asked.get("user", self._principal.username))
        keys = keys_listed(keys_visible(self._principal), owner=owner, state=asked.get("state"))
        page = self.paginate_queryset(keys) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @described("Read a key", 200, KeySerializer, 404)
    def retrieve(self, request: Request, id: int) -> Response:  # noqa: A002  # as it is called
        """Its secret is not kept and cannot be read."""
        return Response(self.get_serializer(self.get_object()).data)

    @described("Make a key", 201, MadeKeySerializer, 400, 409, 429, 503)
    @rate_limited("key_creation")
    def create(self, request: Request) -> Response:
        """Answers the key's text, once. What is left out is as the calling key has it."""
        settings = _valid(NewKeySerializer(data=request.data))
        owner = self._owner(settings.pop("user", None))
        limits = settings.pop("limits", None)
        return self._made(
            *managed_key_create(
                principal=self._principal, owner=owner, settings=settings, limits=limits
            )
        )

    @described("Change a key", 200, KeySerializer, 400, 404, 409)
    def partial_update(self, request: Request, id: int) -> Response:  # noqa: A002
        """In force in every process within a second. `limits` replaces all of them."""
        key = self.get_object()
        # Nothing is required; `partial` would reach into the limits and drop what they default to.
        settings = _valid(self.get_serializer(key, data=request.data))
        limits = settings.pop("limits", None)
        managed_key_update(principal=self._principal, key=key, settings=settings, limits=limits)
        return Response(self.get_serializer(self.get_object()).data)

    @described("Revoke a key", 204, None, 404)
    def destroy(self, request: Request, id: int) -> Response:  # noqa: A002
        """For good, in every process within a second. The key stays in the list."""
        api_key_revoke(key_id=self.get_object().id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RotationSerializer)
    @described("Rotate a key", 201, MadeKeySerializer, 400, 404, 409, 429, 503)
    @rate_limited("key_creation")
    def rotate(self, request: Request, id: int) -> Response:  # noqa: A002
        """Make a key with the same settings and limits; the old one ends after the grace period."""
        asked = _valid(RotationSerializer(data=request.data))
        return self._made(
            *managed_key_rotate(
                principal=self._principal,
                key=self.get_object(),
                grace=timedelta(seconds=asked["grace_seconds"]),
            )
        )

    def get_queryset(self) -> QuerySet[ApiKey]:
        """Return the keys that the caller may manage; a foreign one is not found."""
        return keys_visible(self._principal)

    def get_object(self) -> ApiKey:
        return get_object_or_404(self.get_queryset(), id=self.kwargs["id"])

    @property
    def _principal(self) -> Principal:
        return principal_of(self.request)

    def _named(self, username: str) -> str:
        # The same for a name that nobody has: who is no admin learns nothing of others.
        if username != self._principal.username and not self._principal.is_admin:
            detail = "Only an admin may name another user."
            raise ApiError(403, "permission_denied", detail, param="user")
        return username

    def _owner(self, username: str | None) -> User:
        if username is None:
            return User.objects.get(id=self._principal.user_id)
        owner = User.objects.filter(username=self._named(username)).first()
        if owner is None:
            detail = f"user: There is no user {username!r}."
            raise ApiError(400, "invalid_request", detail, param="user")
        return owner

    def _made(self, key: ApiKey, text: str) -> Response:
        row = self.get_queryset().get(id=key.id)
        made = MadeKeySerializer(row, context={"text": text})
        # No cache on the way may keep a secret.
        headers = {"Cache-Control": "no-store", "Location": f"/api/v1/keys/{key.id}"}
        return Response(made.data, status.HTTP_201_CREATED, headers=headers)


def _valid(serializer: Any) -> Any:
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
