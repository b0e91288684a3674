"""infinity-emb's server, in a virtual environment of its own.

The environment sees this one's torch, so that both compute on the same; everything else of it is
pinned to what infinity-emb 0.0.78 was written against. It wants numpy before 2 and
sentence-transformers before 4; BetterTransformer, which it uses for BERT, is in optimum before 2
and knows transformers before 4.49.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.environment import environment as installed
from benchmarks.process import Process, await_answer, free_port, running

WANTED: Final = (
    "infinity-emb[server]==0.0.78",
    "sentence-transformers==3.4.1",
    "transformers==4.48.3",
    "optimum==1.24.0",
    "numpy==1.26.4",
)
MODEL: Final = "infinity"
_START_S: Final = 180.0


@dataclass(frozen=True)
class Infinity:
    """The server, which stands still while others are measured."""

    url: str
    process: Process

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run while the block runs."""
        os.killpg(self.process.pid, signal.SIGCONT)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGSTOP)


def environment() -> Path:
    """Return the virtual environment with infinity-emb in it; made on the first call."""
    return installed("infinity", WANTED, shares_ours=True)


@contextmanager
def running_infinity(folder: Path, place: Path, model: Path, threads: int) -> Iterator[Infinity]:
    """Run the server with `model`, and stop it in its tracks until it is awoken."""
    port, log = free_port(), folder / "infinity.log"
    command = [
        *(str(place / "bin" / "infinity_emb"), "v2", "--model-id", str(model)),
        *("--served-model-name", MODEL, "--engine", "torch", "--device", "cpu"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
    ]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "INFINITY_ANONYMOUS_USAGE_STATS": "0",
    }
    with running(command, log, environment={**kept, **settings}) as process:
        url = f"http://127.0.0.1:{port}"
        await_answer(process, f"{url}/health", log, seconds=_START_S)
        infinity = Infinity(url, process)
        with infinity.awake():
            pass
        try:
            yield infinity
        finally:
            os.killpg(process.pid, signal.SIGCONT)
