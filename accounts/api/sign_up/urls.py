"""The address of signing up, with and without a trailing slash. Mounted under `api/v1/`."""

from django.urls import path

from accounts.api.sign_up.views import SignUpViewSet

# The second is left out of the schema: it is the same operation.
urlpatterns = [
    path("auth/sign-up", SignUpViewSet.as_view({"post": "create"})),
    path("auth/sign-up/", SignUpViewSet.as_view({"post": "create"}, schema=None)),
]
