"""A batch in as many parts as there are cores, each computed by one thread from end to end.

Threads that share every operation wait for each other at each one's end. Where web and worker run
on the same cores one of them is always late, and then all are; each on a part of its own waits once
a batch. A part too small for that is left whole: a lone text is soonest done by all cores at once.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import torch

from inference.engine.kinds.kind import Answer
from inference.engine.wire import Item

LEAST_PART: Final = (
    128  # tokens: less does not keep a thread busy for longer than it takes to begin
)

Run = Callable[[Sequence[Item]], list[Answer]]
T = TypeVar("T")


class Crew:
    """The threads of one model."""

    def __init__(self) -> None:
        self._count = torch.get_num_threads()
        # What a thread may use is its own affair in torch, and so is whether gradients are kept.
        alone = partial(torch.set_num_threads, 1)
        self._threads = ThreadPoolExecutor(self._count, "crew", initializer=alone)

    def run(self, run: Run, items: Sequence[Item], sizes: Sequence[int]) -> list[Answer]:
        """Return what `run` answers to `items`, which it may be given in several parts."""
        parts = parts_of(items, sizes, min(self._count, sum(sizes) // LEAST_PART))
        if len(parts) == 1:
            return run(items)
        answers = self._threads.map(partial(_inferring, run), parts)
        return [one for part in answers for one in part]


def parts_of(items: Sequence[T], sizes: Sequence[int], count: int) -> list[Sequence[T]]:
    """Return `items` in at most `count` parts of about the same size; no size is 0."""
    ends, so_far, whole = list[int](), 0, sum(sizes)
    for place, size in enumerate(sizes):
        # An item goes where more than half of it belongs.
        if so_far + size / 2 >= whole * (len(ends) + 1) / max(1, count):
            ends.append(place)
        so_far += size
    bounds = zip([0, *ends], [*ends, len(items)], strict=True)
    return [items[start:end] for start, end in bounds if start < end] or [items]


def _inferring(run: Run, items: Sequence[Item]) -> list[Answer]:
    with torch.inference_mode():
        return run(items)
