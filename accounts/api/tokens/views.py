"""Make, renew, inspect and take back tokens."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSet

from accounts import tokens
from accounts.api.tokens.serializers import (
    CredentialsSerializer,
    RefreshSerializer,
    TokenFactsSerializer,
    TokenPairSerializer,
    TokenSerializer,
)
from accounts.errors import AuthenticationRefused
from accounts.models import User
from accounts.rate_limits import AnonymousThrottle, name_in_body, rate_limited
from aiplatform.errors import ApiError
from aiplatform.problem_schema import described

T = TypeVar("T")


class SignInViewSet(ViewSet):
    """Trade a name and password for tokens."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [AnonymousThrottle]

    @extend_schema(request=CredentialsSerializer)
    @described("Sign in", 200, TokenPairSerializer, 400, 429, 503)
    @rate_limited("sign_in", name_in_body)
    def create(self, request: Request) -> Response:
        """Answer an access and a refresh token."""
        asked = _valid(CredentialsSerializer, request)
        user = authenticate(request._request, **asked)
        if not isinstance(user, User):
            detail = "No active user has this name and password."
            raise ApiError(401, "invalid_credentials", detail)
        return _answer(tokens.tokens_issue(user=user), TokenPairSerializer)


def _name_in_refresh(request: Request) -> str:
    """Return whose refresh token the body holds, if it is good: a forged one names nobody."""
    try:
        return tokens.user_of_refresh_token(_valid(RefreshSerializer, request)["refresh"]).username
    except AuthenticationRefused:
        return ""


def _name_in_token(request: Request) -> str:
    """The same where the body may hold a token of either kind."""
    try:
        return tokens.token_facts(_valid(TokenSerializer, request)["token"]).username
    except AuthenticationRefused:
        return ""


class TokenViewSet(ViewSet):
    """What a person who holds a token does with it; the token itself is their credential."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=RefreshSerializer)
    @described("Renew both tokens", 200, TokenPairSerializer, 400, 429, 503)
    @rate_limited("refresh", _name_in_refresh)
    def refresh(self, request: Request) -> Response:
        """Answer a new pair. The refresh token that was sent is spent by it."""
        refresh = _valid(RefreshSerializer, request)["refresh"]
        return _answer(_accepted(tokens.tokens_rotate, refresh=refresh), TokenPairSerializer)

    @extend_schema(request=TokenSerializer)
    @described("Inspect a token", 200, TokenFactsSerializer, 400, 429, 503)
    @rate_limited("refresh", _name_in_token)
    def verify(self, request: Request) -> Response:
        """Answer what kind of token it is and how long it is good for."""
        text = _valid(TokenSerializer, request)["token"]
        return _answer(_accepted(tokens.token_facts, text), TokenFactsSerializer)

    @extend_schema(request=RefreshSerializer)
    @described("Log out", 204, None, 400, 429, 503)
    @rate_limited("refresh", _name_in_refresh)
    def blacklist(self, request: Request) -> Response:
        """Take a refresh token back. Access tokens end by themselves."""
        refresh = _valid(RefreshSerializer, request)["refresh"]
        _accepted(tokens.token_blacklist, refresh=refresh)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _valid(kind: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _accepted(action: Callable[..., T], *arguments: Any, **named: Any) -> T:
    try:
        return action(*arguments, **named)
    except AuthenticationRefused as refused:
        raise ApiError(401, refused.code, refused.detail) from refused


def _answer(content: object, kind: type[Serializer[Any]]) -> Response:
    # RFC 6749 §5.1: no cache on the way may keep a token.
    return Response(kind(content).data, headers={"Cache-Control": "no-store"})
