"""Requests that are answered item by item, and the portions of them that travel in batches."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field

from inference.engine.wire import Image, Infer, Item, Tokens, Usage


@dataclass(eq=False, slots=True)
class Work:
    """One request and how much of it is done. Times are of time.monotonic."""

    connection: Hashable
    request: Infer
    left: int = field(init=False)  # items that are not answered yet
    submitted: float = field(default_factory=time.monotonic)
    started: float | None = None
    tokens: int = 0  # of the items that were answered
    images: int = 0
    portions: "list[Portion]" = field(default_factory=list)  # those that wait

    def __post_init__(self) -> None:
        self.left = len(self.request.items)

    @property
    def key(self) -> tuple[Hashable, str]:
        return self.connection, self.request.request_id

    def count(self, item: Item) -> None:
        """Note that `item` was answered."""
        self.left -= 1
        match item:
            case Tokens():
                self.tokens += token_count(item)
            case Image():
                self.images += 1

    def service_seconds(self) -> float:
        """Return how long it has been worked on, the queue left out."""
        return time.monotonic() - (self.started or time.monotonic())

    def usage(self) -> Usage:
        now = time.monotonic()
        return Usage(
            prompt_tokens=self.tokens,
            completion_tokens=0,
            queue_s=(self.started or now) - self.submitted,
            first_token_s=now - self.submitted,
            total_s=now - self.submitted,
            images=self.images,
        )


@dataclass(eq=False, slots=True)
class Portion:
    """Some items of one request, as many as a batch takes; what waits in the queue."""

    work: Work
    places: list[int]  # in the request
    size: int
    aged: bool = False
    unused: float = 0.0  # all that a portion is charged for it takes

    @property
    def request(self) -> Infer:
        return self.work.request

    @property
    def cost(self) -> float:
        return self.size


def token_count(item: Tokens) -> int:
    """Return how many token ids `item` holds."""
    return len(item.ids) // 4


def portions_of(work: Work, sizes: list[int], best_batch: int) -> list[Portion]:
    """Return the request in portions of at most `best_batch`, items of like size together.

    What alone is larger than that is a portion by itself.
    """
    portions: list[Portion] = []
    for place in sorted(range(len(sizes)), key=sizes.__getitem__):
        last = portions[-1] if portions else None
        if last is None or last.size + sizes[place] > best_batch:
            last = Portion(work, [], 0)
            portions.append(last)
        last.places.append(place)
        last.size += sizes[place]
    return portions
