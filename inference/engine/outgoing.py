"""What a step of an engine made, on its way to the connections that asked for it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from inference.engine.wire import Delta, Deltas, Message


@dataclass(slots=True)
class Outgoing:
    """What one step made for one connection."""

    messages: list[Message] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    endings: list[Message] = field(default_factory=list)

    def frames(self) -> list[Message]:
        """Return all of it in the order to send: a request's text before its end."""
        deltas = [Deltas(self.deltas)] if self.deltas else []
        return [*self.messages, *deltas, *self.endings]


Deliver = Callable[[list[tuple[Hashable, list[Message]]]], None]
