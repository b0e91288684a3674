"""Every kind of model, and the engine that each runs in."""

from typing import Final

from inference.engine.config import RunnerConfig
from inference.engine.kinds import embeddings, image_classification, ocr, scoring
from inference.engine.kinds.engine import KindEngine
from inference.engine.kinds.kind import Load, Loading
from inference.engine.loading import load_engine as load_text_engine
from inference.engine.log import Log
from inference.engine.loop import Engine
from inference.engine.model_directory import LoadError, ModelDirectory
from inference.engine.outgoing import Deliver
from inference.engine.statistics import Statistics
from inference.engine.task import (
    CHAT,
    EMBEDDINGS,
    IMAGE_CLASSIFICATION,
    MODERATION,
    OCR,
    RERANK,
    Task,
)

# What answers each item once. Text generation has steps of its own.
KINDS: Final[dict[Task, Load]] = {
    EMBEDDINGS: embeddings.load,
    MODERATION: scoring.load_moderation,
    RERANK: scoring.load_rerank,
    IMAGE_CLASSIFICATION: image_classification.load,
    OCR: ocr.load,
}


def load_engine(
    config: RunnerConfig,
    directory: ModelDirectory,
    *,
    statistics: Statistics,
    log: Log,
    deliver: Deliver,
) -> Engine:
    """Return an engine that is ready to step. Raises LoadError."""
    if config.task == CHAT:
        return load_text_engine(config, directory, statistics=statistics, log=log, deliver=deliver)
    if config.task not in KINDS:
        raise LoadError(f"this platform has no runner for the task {config.task}")
    loading = Loading(config, directory, statistics, log)
    kind = KINDS[config.task](loading)
    statistics.progress = 1.0
    return KindEngine(kind, loading, deliver)
