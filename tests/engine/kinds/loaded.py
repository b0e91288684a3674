"""A kind as its runner loads it, in this process."""

import array
from pathlib import Path

import torch

from inference.engine.config import RunnerConfig
from inference.engine.kinds.catalog import KINDS
from inference.engine.kinds.kind import Kind, Loading
from inference.engine.log import Log
from inference.engine.model_directory import ModelDirectory
from inference.engine.statistics import Statistics
from inference.engine.task import Task
from inference.engine.wire import Tokens


def loading(directory: Path, task: Task) -> Loading:
    """Return what a runner would load in float32."""
    config = RunnerConfig(
        model="tiny", directory=str(directory), socket="", task=task, dtype="float32"
    )
    return Loading(config, ModelDirectory(directory, task), Statistics(), Log("tiny"))


def load(directory: Path, task: Task) -> tuple[Kind, Statistics]:
    """Return the model and what it says of itself."""
    one = loading(directory, task)
    with torch.inference_mode():
        return KINDS[task](one), one.statistics


def text(ids: list[int], segments: list[int] | None = None, dimensions: int = 0) -> Tokens:
    """Return one item."""
    return Tokens(array.array("i", ids).tobytes(), bytes(segments or []), dimensions)
