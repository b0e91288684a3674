"""Addresses of the tokens, with and without a trailing slash. Mounted under `api/v1/`."""

from django.urls import path

from accounts.api.tokens.views import SignInViewSet, TokenViewSet

# The second address of each is left out of the schema: it is the same operation.
urlpatterns = [
    path("auth/token", SignInViewSet.as_view({"post": "create"})),
    path("auth/token/", SignInViewSet.as_view({"post": "create"}, schema=None)),
    path("auth/token/refresh", TokenViewSet.as_view({"post": "refresh"})),
    path("auth/token/refresh/", TokenViewSet.as_view({"post": "refresh"}, schema=None)),
    path("auth/token/verify", TokenViewSet.as_view({"post": "verify"})),
    path("auth/token/verify/", TokenViewSet.as_view({"post": "verify"}, schema=None)),
    path("auth/token/blacklist", TokenViewSet.as_view({"post": "blacklist"})),
    path("auth/token/blacklist/", TokenViewSet.as_view({"post": "blacklist"}, schema=None)),
]
