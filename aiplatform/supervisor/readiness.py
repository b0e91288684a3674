"""Whether the platform would serve a request now, and what it is waiting for if not."""

import http.client
from http import HTTPStatus
from typing import Final

from django.conf import settings

from aiplatform.store import Unavailable, blocking_store
from inference.registry.directory import Replica, replicas

PROBE_TIMEOUT_S: Final = 1.0


def local_host() -> str:
    """Return the address under which this machine reaches its own web."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104


def ready() -> bool:
    """Ask the web's own `/health/ready`."""
    connection = http.client.HTTPConnection(local_host(), settings.PORT, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announced() -> list[Replica]:
    """Return the replicas that there are, none while the store is away."""
    try:
        return sorted(replicas(blocking_store()), key=lambda one: one.model)
    except Unavailable:
        return []


def in_words(replica: Replica) -> str:
    """Return, for people, what a replica that is not ready is doing."""
    if replica.state in ("fetching", "loading") and replica.progress > 0:
        # In steps of ten: a line for every percent would bury what matters.
        return f"{replica.model}: {replica.state} {int(replica.progress * 10) * 10} %"
    return f"{replica.model}: {replica.state}{': ' if replica.detail else ''}{replica.detail}"
