"""`transformers serve --continuous-batching`, on the torch and the transformers that ours uses."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.chat_stream import ChatServer
from benchmarks.process import await_answer, free_port, running
from benchmarks.serving.environment import python

# The command `transformers` without its look for newer versions.
_PROGRAM: Final = "from transformers.cli.transformers import app; app()"
_START_S: Final = 180.0


@contextmanager
def running_transformers(
    model: Path, folder: Path, dtype: str, tokens: int
) -> Iterator[ChatServer]:
    """Run it over the model in `model`, computing in `dtype`, answers of `tokens` tokens."""
    port, log = free_port(), folder / "transformers.log"
    command = [
        *(python(), "-c", _PROGRAM),
        *("serve", str(model), "--continuous-batching", "--device", "cpu", "--dtype", dtype),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with running(command, log, environment=environment) as process:
        await_answer(process, f"http://127.0.0.1:{port}/health", log, seconds=_START_S)
        # It has no `ignore_eos`, and takes the whole configuration of a generation instead.
        chosen = {"eos_token_id": -1, "max_new_tokens": tokens, "do_sample": False}
        fields = {"generation_config": json.dumps(chosen)}
        yield ChatServer("transformers", port, str(model), fields=fields)
