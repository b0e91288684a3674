"""What a kind of model must say for the frame to batch and run it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference.engine.config import RunnerConfig
from inference.engine.log import Log
from inference.engine.model_directory import ModelDirectory
from inference.engine.statistics import Statistics
from inference.engine.submission import Refusal
from inference.engine.wire import Item, Output

Answer = Output | Refusal  # of one item; a refusal fails its request and no other


class Kind(Protocol):
    """A loaded model. Used from the engine's thread alone."""

    best_batch: int  # in units of `size`: of a larger batch the machine does not answer more

    def refusal(self, item: Item) -> Refusal | None:
        """Return why `item` cannot be answered, or None. Cheap: nothing is computed."""

    def size(self, item: Item) -> int:
        """Return what `item` takes of a batch: its tokens, or 1 for a picture."""

    def run(self, items: Sequence[Item]) -> list[Answer]:
        """Answer `items`, sorted by size, in their order.

        What it raises fails every request of the batch, each after a try by itself.
        """


@dataclass(frozen=True)
class Loading:
    """What a kind is loaded from, and where it says how that goes."""

    config: RunnerConfig
    directory: ModelDirectory
    statistics: Statistics
    log: Log


Load = Callable[[Loading], Kind]  # raises LoadError
