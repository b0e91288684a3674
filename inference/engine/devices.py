"""Where a model is computed: on the CPU or on a CUDA device, as asked for and as it fits."""

from collections.abc import Callable
from typing import Final, NamedTuple

import torch

from inference.engine.config import AUTO, CPU, RunnerConfig, device_fault
from inference.engine.log import Log
from inference.engine.memory import available_bytes
from inference.engine.model_directory import LoadError
from inference.engine.precision import DTYPES, compute_dtype

ON_CPU: Final = torch.device(CPU)
_BFLOAT16_SINCE: Final = (8, 0)  # compute capability; older cards emulate it


class Place(NamedTuple):
    """A device, and the dtype that torch computes in there."""

    device: torch.device
    dtype: torch.dtype

    @property
    def on_card(self) -> bool:
        return self.device.type != CPU


class Cards:
    """The CUDA devices that torch sees."""

    def count(self) -> int:
        return torch.cuda.device_count() if torch.cuda.is_available() else 0

    def has_bfloat16(self, number: int) -> bool:
        return torch.cuda.get_device_capability(number) >= _BFLOAT16_SINCE

    def free_bytes(self, number: int) -> int:
        free, _ = torch.cuda.mem_get_info(number)
        return int(free)

    def freest(self) -> int:
        """Return the number of the card with the most free memory.

        To ask a card takes some of its memory for as long as this process lives; where there
        are many, name one.
        """
        return max(range(self.count()), key=self.free_bytes)

    def available(self, place: Place) -> int | None:
        """Return how many bytes may still be taken there; None where nothing tells."""
        return self.free_bytes(place.device.index) if place.on_card else available_bytes()


def place(config: RunnerConfig, fit: Callable[[Place], None], log: Log, cards: Cards) -> Place:
    """Return where the model is to be computed. Raises LoadError.

    `fit` raises LoadError where the model does not fit.
    """
    on_card = _card(config, cards)
    if on_card is not None:
        try:
            fit(on_card)
        except LoadError as error:
            if config.device != AUTO:
                raise
            log.event("device_passed_over", device=str(on_card.device), reason=str(error))
        else:
            return on_card
    on_cpu = Place(ON_CPU, compute_dtype(config.dtype))
    fit(on_cpu)
    return on_cpu


def _card(config: RunnerConfig, cards: Cards) -> Place | None:
    """Return the card that is asked for, or that `auto` tries. Raises LoadError if it is absent."""
    if config.device == AUTO:
        unfit = device_fault("cuda", task=config.task, dtype=config.dtype)
        return None if unfit or not cards.count() else _place_on(cards.freest(), config, cards)
    if config.device == CPU:
        return None
    _, _, number = config.device.partition(":")
    if cards.count() <= int(number or 0):
        raise LoadError(_absent(config.device, cards.count()))
    return _place_on(int(number) if number else cards.freest(), config, cards)


def _place_on(number: int, config: RunnerConfig, cards: Cards) -> Place:
    dtype = DTYPES[config.dtype]
    if dtype == torch.bfloat16 and not cards.has_bfloat16(number):
        dtype = torch.float32
    return Place(torch.device("cuda", number), dtype)


def _absent(device: str, count: int) -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        why = "this torch is built for the CPU alone; install one that is built for CUDA"
    else:
        why = f"torch sees {count} CUDA devices on this machine" if count else "torch sees none"
    return f"device is {device}, and it is not there: {why}, or choose {AUTO} or {CPU}"
