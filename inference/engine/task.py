"""What a model does, and whether a checkpoint fits it. Without torch, for the registry as well."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from inference.engine.checkpoint import BrokenCheckpoint
from inference.engine.ocr_files import ARCHITECTURE as _OCR_GRAPHS

Task = Literal["chat", "embeddings", "image-classification", "moderation", "rerank", "ocr"]
CHAT: Final = "chat"
EMBEDDINGS: Final = "embeddings"
IMAGE_CLASSIFICATION: Final = "image-classification"
MODERATION: Final = "moderation"
RERANK: Final = "rerank"
OCR: Final = "ocr"
TEXT_TASKS: Final[frozenset[Task]] = frozenset({CHAT, EMBEDDINGS, MODERATION, RERANK})
# What sentence-transformers writes beside an embedding model, whatever its architecture is.
_MODULES: Final = "modules.json"


class WrongTask(BrokenCheckpoint):
    """The checkpoint is sound but made for something else."""


def check_task(path: Path, task: str) -> None:
    """Return if the model in `path` does `task`. Raises CheckpointError with the remedy."""
    config = json.loads((path / "config.json").read_bytes())
    made_for = _tasks(path, config)
    if made_for and task not in made_for:
        raise WrongTask(
            f"its config.json says {_architecture(config)}, which does not do {task}; "
            f"register it with the task {' or '.join(made_for)}"
        )


def _tasks(path: Path, config: dict[str, object]) -> list[Task]:
    """Return what the checkpoint can do; nothing where its config.json does not say."""
    architecture = _architecture(config)
    if (path / _MODULES).is_file() and not architecture.endswith("ForSequenceClassification"):
        return [EMBEDDINGS]
    found = (tasks for end, tasks in _BY_ENDING.items() if architecture.endswith(end))
    return next((tasks(config) for tasks in found), [])


def _architecture(config: dict[str, object]) -> str:
    match config.get("architectures"):
        case [str(name), *_]:
            return name
        case _:
            return ""


def _of_sequences(config: dict[str, object]) -> list[Task]:
    """A cross-encoder scores a pair by one number; a classifier has a number for each label."""
    match config:
        case {"id2label": dict(labels)}:
            return [RERANK, MODERATION] if len(labels) == 1 else [MODERATION]
        case _:
            return [MODERATION]  # transformers takes two labels where none are named


def _always(*tasks: Task) -> Callable[[dict[str, object]], list[Task]]:
    return lambda config: list(tasks)


# The endings of transformers' class names, and what is none of its.
_BY_ENDING: Final = {
    "ForCausalLM": _always(CHAT),
    "LMHeadModel": _always(CHAT),
    "ForConditionalGeneration": _always(CHAT),
    "ForSequenceClassification": _of_sequences,
    "ForImageClassification": _always(IMAGE_CLASSIFICATION),
    _OCR_GRAPHS: _always(OCR),
    "ForMaskedLM": _always(EMBEDDINGS),
    "Model": _always(EMBEDDINGS),
}
