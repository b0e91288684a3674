"""Addresses of jobs, with and without a trailing slash. Mounted under `api/v1/`."""

from typing import Any

from django.urls import path

from inference.api.native.tasks.events import TaskEventsViewSet
from inference.api.native.tasks.submission import AsyncTextViewSet
from inference.api.native.tasks.views import TaskViewSet

_ASK: dict[str, Any] = {"post": "create"}
_MANY: dict[str, Any] = {"get": "list"}
_ONE: dict[str, Any] = {"get": "retrieve", "delete": "cancel"}
_CANCEL: dict[str, Any] = {"post": "cancel"}
_WATCH: dict[str, Any] = {"get": "watch"}

# The second address of each is left out of the schema: it is the same operation.
urlpatterns = [
    path("generate/async", AsyncTextViewSet.as_view(_ASK)),
    path("generate/async/", AsyncTextViewSet.as_view(_ASK, schema=None)),
    path("tasks", TaskViewSet.as_view(_MANY)),
    path("tasks/", TaskViewSet.as_view(_MANY, schema=None)),
    path("tasks/<str:task_id>", TaskViewSet.as_view(_ONE)),
    path("tasks/<str:task_id>/", TaskViewSet.as_view(_ONE, schema=None)),
    path("tasks/<str:task_id>/cancel", TaskViewSet.as_view(_CANCEL)),
    path("tasks/<str:task_id>/cancel/", TaskViewSet.as_view(_CANCEL, schema=None)),
    path("tasks/<str:task_id>/events", TaskEventsViewSet.as_view(_WATCH)),
    path("tasks/<str:task_id>/events/", TaskEventsViewSet.as_view(_WATCH, schema=None)),
]
