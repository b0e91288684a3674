"""sentence-transformers by itself, at its best batch size, in a virtual environment of its own.

The environment sees this one's packages, so that both run on the same torch. Run inside it,
`python -m benchmarks.embedding_offline DIRECTORY` reads a JSON list of texts and prints texts a
second by batch size.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.environment import environment as installed

WANTED: Final = "sentence-transformers"
MODULE: Final = "benchmarks.embedding_offline"
BATCH_SIZES: Final = (8, 16, 32, 64, 128)


def environment() -> Path:
    """Return the virtual environment; made on the first call."""
    return installed(WANTED, [WANTED], shares_ours=True)


def _measured(directory: str, texts: list[str]) -> dict[int, float]:
    # Only the environment made above has it.
    from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]

    model: Any = SentenceTransformer(directory, device="cpu")
    model.encode(texts[:16])  # warm up
    found = {}
    for size in BATCH_SIZES:
        began = time.perf_counter()
        model.encode(texts, batch_size=size, show_progress_bar=False)
        found[size] = len(texts) / (time.perf_counter() - began)
    return found


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], json.load(sys.stdin))))
