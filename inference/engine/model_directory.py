"""A prepared model directory, looked at before anything in it is loaded."""

import json
from pathlib import Path

from inference.engine.checkpoint import CheckpointError, check_directory


class LoadError(Exception):
    """The model cannot be served. The message is safe to show and says what to do."""


class ModelDirectory:
    """A directory that was found whole and without code, with what its config.json says."""

    def __init__(self, path: Path) -> None:
        """Raise LoadError unless the directory may be loaded."""
        try:
            check_directory(path)
        except CheckpointError as error:
            raise LoadError(str(error)) from error
        self.path = path
        self._config: dict[str, object] = json.loads((path / "config.json").read_bytes())

    def context_length(self, wanted: int) -> int:
        """Return `wanted` tokens, or fewer where the model's positions end earlier."""
        text = self._config.get("text_config")
        for config in (self._config, text if isinstance(text, dict) else {}):
            for name in ("max_position_embeddings", "n_positions"):
                bound = config.get(name)
                if isinstance(bound, int) and bound > 0:
                    return min(wanted, bound)
        return wanted
