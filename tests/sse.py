"""Server-sent events as a client reads them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

DONE: Final = "[DONE]"


@dataclass(frozen=True)
class Event:
    """One event; `data` is its JSON, or `[DONE]`."""

    data: Any
    name: str = "message"


def events(text: str) -> list[Event]:
    """Return the events of a whole stream. Comments are left out."""
    return [_event(block.split("\n")) for block in text.split("\n\n") if "data: " in block]


def _event(lines: Iterable[str]) -> Event:
    fields = dict(line.split(": ", 1) for line in lines)
    data = fields["data"]
    return Event(data if data == DONE else json.loads(data), fields.get("event", "message"))
