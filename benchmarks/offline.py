"""What others make of the same in a process of their own, without a server."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


def rates(
    python: str, module: str, directory: Path, asked: Sequence[str], threads: int
) -> dict[int, float]:
    """Return answers a second by batch size, as `module` prints them for the model there."""
    done = subprocess.run(
        [python, "-m", module, str(directory)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"},
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {int(size): rate for size, rate in found.items()}
