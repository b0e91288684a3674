"""Writes of webhooks, each noun in its module."""

from inference.jobs.webhooks.services.deliveries import (
    ClaimedDelivery,
    DeliveryNotOver,
    deliveries_claim,
    delivery_finish,
    delivery_redeliver,
)
from inference.jobs.webhooks.services.endpoints import (
    MAX_ENDPOINTS,
    ConcurrentChange,
    TooManyEndpoints,
    endpoint_create,
    endpoint_delete,
    endpoint_disable,
    endpoint_rotate,
    endpoint_update,
)
from inference.jobs.webhooks.services.events import events_purge, webhook_emit, webhook_test

__all__ = [
    "MAX_ENDPOINTS",
    "ClaimedDelivery",
    "ConcurrentChange",
    "DeliveryNotOver",
    "TooManyEndpoints",
    "deliveries_claim",
    "delivery_finish",
    "delivery_redeliver",
    "endpoint_create",
    "endpoint_delete",
    "endpoint_disable",
    "endpoint_rotate",
    "endpoint_update",
    "events_purge",
    "webhook_emit",
    "webhook_test",
]
