"""The whole platform, as `make run` starts it: keys, limits, tokenization, history, one runner."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.chat_stream import ChatServer
from benchmarks.process import StartError, await_answer, free_port, running

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_MANAGE: Final = [sys.executable, str(_CHECKOUT / "manage.py")]
_START_S: Final = 300.0
# Servers of the developer's own must not take part.
_REMOVED: Final = ("REDIS_URL", "DATABASE_URL", "RUN_DIR", "SPOOL_DIR", "STATIC_ROOT", "HOST")
# Wide enough never to refuse; what they cost is measured.
_LIMITS: Final = (
    ("requests", "minute", "1000000"),
    ("tokens", "minute", "1000000000"),
    ("tokens", "day", "1000000000000"),
    ("concurrency", "now", "10000"),
)


@contextmanager
def running_platform(model: Path, tiers: str = "") -> Iterator[ChatServer]:
    """Run a new installation over the prepared model in `model` until the block ends.

    `tiers` names those that the engine may use; empty for all.
    """
    with tempfile.TemporaryDirectory(prefix="engine-bench-") as name:
        folder = Path(name)
        environment = {**_environment(folder, model.parent), "ENGINE_TIERS": tiers}
        _manage(environment, "first_run")
        for resource, window, amount in _LIMITS:
            limit = ("--resource", resource, "--window", window, "--amount", amount)
            _manage(environment, "quota", "admin", *limit)
        log = folder / "platform.log"
        with running([*_MANAGE, "serve"], log, environment=environment) as process:
            port = int(environment["PORT"])
            url = f"http://127.0.0.1:{port}/health/ready"
            await_answer(process, url, log, seconds=_START_S)
            yield ChatServer(
                name="ours",
                port=port,
                model=model.name,
                key=_key(folder),
                fields={"ignore_eos": True, "stream_options": {"include_usage": True}},
            )


def _environment(folder: Path, models: Path) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if name not in _REMOVED}
    kernels = os.environ.get("KERNELS_DIR") or str(_CHECKOUT / "var" / "kernels")
    return {
        **inherited,
        "VAR_DIR": str(folder),
        "MODELS_DIR": str(models),
        "KERNELS_DIR": kernels,  # so that they are compiled once for all rounds
        "PORT": str(free_port()),
        "HOST": "127.0.0.1",
        "DJANGO_SUPERUSER_USERNAME": "admin",
        "DJANGO_SETTINGS_MODULE": "aiplatform.settings",
    }


def _manage(environment: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [*_MANAGE, *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StartError(f"manage.py {words[0]} failed:\n{done.stdout}{done.stderr}")


def _key(folder: Path) -> str:
    found = re.search(r"^API key: +(\S+)$", (folder / "first-run.txt").read_text(), re.MULTILINE)
    if found is None:
        raise StartError("the first run left no API key")
    return found[1]
