"""A prepared model directory, looked at before anything in it is loaded."""

import json
from pathlib import Path

from inference.engine.checkpoint import CheckpointError, check_directory
from inference.engine.task import CHAT, TEXT_TASKS, Task, check_task


class LoadError(Exception):
    """The model cannot be served. The message is safe to show and says what to do."""


class ModelDirectory:
    """A directory that was found whole and without code, with what its config.json says."""

    def __init__(self, path: Path, task: Task = CHAT) -> None:
        """Raise LoadError unless the directory may be loaded, and for this task."""
        try:
            check_directory(path, with_tokenizer=task in TEXT_TASKS)
            check_task(path, task)
        except CheckpointError as error:
            raise LoadError(str(error)) from error
        self.path = path
        self.config: dict[str, object] = json.loads((path / "config.json").read_bytes())

    def context_length(self, wanted: int) -> int:
        """Return `wanted` tokens, or fewer where the model's positions end earlier."""
        text = self.config.get("text_config")
        for config in (self.config, text if isinstance(text, dict) else {}):
            for name in ("max_position_embeddings", "n_positions"):
                bound = config.get(name)
                if isinstance(bound, int) and bound > 0:
                    return min(wanted, bound)
        return wanted
