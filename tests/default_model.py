"""The default models, for tests that need real weights: each prepared once for all runs."""

import functools
import os
from pathlib import Path
from typing import Final

import pytest

from inference.registry.catalog import DEFAULT_MODELS
from inference.registry.fetch import FetchError, prepare
from inference.registry.progress import ConsoleProgress

# Where `make run` keeps it. The tests' own VAR_DIR is thrown away after each run.
_MODELS: Final = Path(__file__).resolve().parents[1] / "var" / "models"


@functools.cache
def default_model_directory(name: str = DEFAULT_MODELS[0].name) -> Path:
    """Return the prepared directory; skip if it cannot be had, and fail instead under CI."""
    model = next(one for one in DEFAULT_MODELS if one.name == name)
    directory = _MODELS / model.name
    try:
        prepare(
            model.source, directory, model.dtype, ConsoleProgress(), needed_bytes=model.disk_bytes
        )
    except FetchError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    return directory
