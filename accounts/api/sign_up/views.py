"""Make oneself an account."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.api.sign_up.serializers import NewUserSerializer, SignUpSerializer
from accounts.rate_limits import AnonymousThrottle, name_in_body, rate_limited
from accounts.services.users import NameTaken, user_sign_up
from aiplatform.errors import ApiError
from aiplatform.idempotency.views import CreatesOnce
from aiplatform.problem_schema import described


class SignUpIsOpen(BasePermission):
    """Anybody, where SIGN_UP_ENABLED says so."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True. Raises ApiError, whose code tells a closed door from a forbidden one."""
        if not settings.SIGN_UP_ENABLED:
            detail = "Signing up is switched off here. Ask whoever runs this for an account."
            raise ApiError(403, "sign_up_disabled", detail)
        return True


class SignUpViewSet(CreatesOnce, ViewSet):
    """Accounts for strangers."""

    authentication_classes = []
    permission_classes = [SignUpIsOpen]
    throttle_classes = [AnonymousThrottle]

    @extend_schema(request=SignUpSerializer)
    @described("Sign up", 201, NewUserSerializer, 400, 409, 429, 503)
    @rate_limited("sign_up", name_in_body)
    def create(self, request: Request) -> Response:
        """Make an account without any rights. It signs in at `/api/v1/auth/token`."""
        serializer = SignUpSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            user = user_sign_up(**serializer.validated_data)
        except NameTaken as error:
            detail = "username: This name is taken. Choose another."
            raise ApiError(409, "username_taken", detail, param="username") from error
        return Response(NewUserSerializer(user).data, status=status.HTTP_201_CREATED)
