"""A job's events as a client of server-sent events reads them."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx


class Event(NamedTuple):
    id: str
    name: str
    data: Any


async def watch(
    client: httpx.AsyncClient, task_id: str, last: str | None = None
) -> AsyncIterator[Event]:
    """Yield the events of a job after the event `last` until the server ends the stream."""
    headers = {} if last is None else {"Last-Event-ID": last}
    address = f"/api/v1/tasks/{task_id}/events"
    async with client.stream("GET", address, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        lines: dict[str, str] = {}
        async for line in response.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                lines[name] = value
            elif "data" in lines:
                yield Event(lines.get("id", ""), lines["event"], json.loads(lines["data"]))
                lines = {}


def text_of(events: list[Event]) -> str:
    """Return the text that the deltas make."""
    return "".join(event.data["delta"] for event in events if event.name == "delta")
