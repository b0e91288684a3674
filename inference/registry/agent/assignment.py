"""What one runner is to be, taken from a row of the registry."""

import os
from dataclasses import dataclass
from typing import Final, Self, cast

from inference.engine.config import Dtype, RunnerConfig
from inference.engine.task import Task
from inference.registry.models import Model

# The gateway bounds the queue of a model; the runner's own bound only catches what slips past it.
LEAST_WAITING: Final = 1024


@dataclass(frozen=True)
class Assignment:
    """Two are equal where a runner of the one would serve for the other as well."""

    model: str
    task: Task
    source: str
    directory: str
    dtype: Dtype
    device: str
    context_length: int
    slots: int
    threads: int
    max_waiting: int
    shared_prompts: tuple[str, ...]

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return what `model` asks for on this machine."""
        return cls(
            model=model.name,
            task=cast(Task, model.task),
            source=model.source,
            directory=str(model.directory),
            dtype=cast(Dtype, model.dtype),
            device=model.device,
            context_length=model.context_length,
            slots=model.slots,
            threads=model.threads or core_count(),
            max_waiting=max(LEAST_WAITING, model.max_queue),
            shared_prompts=tuple(model.shared_prompts),
        )

    def runner_config(self, socket: str) -> RunnerConfig:
        """Return what the runner is told when it starts."""
        return RunnerConfig(
            model=self.model,
            task=self.task,
            directory=self.directory,
            socket=socket,
            dtype=self.dtype,
            device=self.device,
            context_length=self.context_length,
            slots=self.slots,
            threads=self.threads,
            max_waiting=self.max_waiting,
            shared_prompts=list(self.shared_prompts),
        )


def core_count() -> int:
    """Return how many cores this process and its children may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
