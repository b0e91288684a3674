"""sentence-transformers by itself, at its best batch size, in a virtual environment of its own.

The environment lies under VAR_DIR and sees this one's packages, so that both run on the same torch.
Run inside it, `python -m benchmarks.embedding_offline DIRECTORY` reads a JSON list of texts and
prints texts a second by batch size.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path
from typing import Any, Final

from benchmarks.process import StartError

WANTED: Final = "sentence-transformers"
BATCH_SIZES: Final = (8, 16, 32, 64, 128)


def environment(var_dir: Path) -> Path:
    """Return the virtual environment; made on the first call."""
    place = var_dir / "bench" / WANTED
    complete = place / "complete"  # written last: without it an installation broke off
    if not complete.exists():
        print(f"installing {WANTED} into {place}, once", file=sys.stderr)
        venv.create(place, with_pip=True, clear=True)
        python = str(place / "bin" / "python")
        where = subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
        Path(where, "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
        if subprocess.run(
            [python, "-m", "pip", "install", "--quiet", WANTED], check=False
        ).returncode:
            raise StartError(f"{WANTED} cannot be installed; pip's reason is above")
        complete.touch()
    return place


def rates(place: Path, directory: Path, texts: list[str], threads: int) -> dict[int, float]:
    """Return texts a second by batch size."""
    done = subprocess.run(
        [str(place / "bin" / "python"), "-m", "benchmarks.embedding_offline", str(directory)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"},
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {int(size): rate for size, rate in found.items()}


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
