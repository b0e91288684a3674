"""The engine's thread: obeys commands between steps, steps while there is work."""

import traceback
from collections.abc import Callable
from typing import Protocol

import torch

from inference.engine.inbox import Inbox, Obedient
from inference.engine.log import Log


class Engine(Obedient, Protocol):
    """What a kind's engine does between commands."""

    @property
    def busy(self) -> bool:
        """Whether there is work for a step."""

    def step(self) -> None:
        """Do one step's work; never raises for what a model raises."""

    def flush(self) -> None:
        """Hand over what was made since the last time."""

    def abandon(self) -> None:
        """Fail everything that is left."""


def run_engine(load: Callable[[], Engine], inbox: Inbox, *, threads: int, log: Log) -> int:
    """Load an engine and serve until it is drained; return the process's exit status.

    Raises LoadError. Anything else that goes wrong outside a step ends the process: what it
    holds can no longer be trusted.
    """
    torch.set_num_threads(threads)
    # Gradients are never needed, and inference mode skips their bookkeeping in every call.
    with torch.inference_mode():
        engine = load()
        try:
            _serve(engine, inbox)
        except Exception:  # said in the log, then the process ends: see above
            log.event("crashed", traceback=traceback.format_exc())
            return 1
    return 0


def _serve(engine: Engine, inbox: Inbox) -> None:
    while not inbox.draining or (engine.busy and not inbox.overdue):
        inbox.obey(engine, wait=not engine.busy)
        if engine.busy:
            engine.step()
        else:
            engine.flush()
    inbox.obey(engine, wait=False)
    engine.abandon()
    engine.flush()
