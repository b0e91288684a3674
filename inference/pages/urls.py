"""Addresses of the pages, with and without a trailing slash. Mounted under `account/`."""

from typing import Any, Final

from django.urls import path

from inference.pages.batches import batch_detail, batch_end, batch_list
from inference.pages.jobs import job_detail, job_end, job_list
from inference.pages.requests import request_detail, request_list
from inference.pages.usage import usage
from inference.pages.webhooks import (
    webhook_delete,
    webhook_detail,
    webhook_list,
    webhook_new,
    webhook_redeliver,
    webhook_rotate,
    webhook_try,
)

_WEBHOOK: Final = "webhooks/<int:endpoint_id>"
_ROUTES: Final[list[tuple[str, Any]]] = [
    ("usage", usage),
    ("requests", request_list),
    ("requests/<str:request_id>", request_detail),
    ("jobs", job_list),
    ("jobs/<str:task_id>", job_detail),
    ("jobs/<str:task_id>/cancel", job_end),
    ("batches", batch_list),
    ("batches/<str:batch_id>", batch_detail),
    ("batches/<str:batch_id>/cancel", batch_end),
    ("webhooks", webhook_list),
    ("webhooks/new", webhook_new),
    (_WEBHOOK, webhook_detail),
    (f"{_WEBHOOK}/rotate", webhook_rotate),
    (f"{_WEBHOOK}/test", webhook_try),
    (f"{_WEBHOOK}/delete", webhook_delete),
    (f"{_WEBHOOK}/deliveries/<int:delivery_id>/redeliver", webhook_redeliver),
]
urlpatterns = [path(f"{route}{slash}", view) for route, view in _ROUTES for slash in ("", "/")]
