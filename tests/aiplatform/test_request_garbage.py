"""A request leaves nothing behind that only the garbage collector could take away."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from aiplatform.asgi import application
from tests.api.doors import CHAT

REQUESTS = 20
WARM_UP = 5


@pytest.fixture
def collector_stopped() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def test_requests_leave_no_circles_to_the_collector(collector_stopped: None) -> None:
    for _ in range(WARM_UP):
        assert await status_of(CHAT.address) == 401
    gc.collect()
    for _ in range(REQUESTS):
        await status_of(CHAT.address)
    assert gc.collect() < REQUESTS


async def status_of(path: str) -> int:
    """Ask as uvicorn does for a client without a key that stays until it is answered."""
    sent: list[dict[str, Any]] = []
    answered = asyncio.Event()
    bodies = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in bodies:
            return message
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-length", b"2"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await application(scope, receive, send)  # type: ignore[arg-type]  # plain dicts
    return int(sent[0]["status"])
