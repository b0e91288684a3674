"""The environment of what reads our checkpoints beside us."""

import sys
from typing import Final

from benchmarks.environment import environment, python_in

# The extra `serving` of transformers beyond what is here, and what llama.cpp's converter imports.
_WANTED: Final = ("fastapi", "accelerate", "sentencepiece")


def python() -> str:
    """Return its interpreter; made on the first call."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return python_in(environment(f"python-{version}", _WANTED, shares_ours=True))
