"""Converting weights in a process of its own: torch never enters this one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

from inference.engine.config import StoredDtype

_PROJECT: Final = Path(__file__).resolve().parents[2]
_TAIL: Final = 4096
Converter = Literal["convert", "convert_torchvision"]  # modules of inference.engine


class ConversionFailed(Exception):
    """The text says why and what to do."""


def convert(
    converter: Converter,
    weights: Path,
    destination: Path,
    dtype: StoredDtype,
    lock: int,
    *further: Path,
) -> None:
    """Make `destination` of `weights`. Raises ConversionFailed.

    `lock` is a descriptor that the process inherits: if this one is killed, the lock is held until
    that one is gone too.
    """
    command = [
        *(sys.executable, "-m", f"inference.engine.{converter}"),
        *(str(weights), str(destination), *map(str, further), "--dtype", dtype),
    ]
    with subprocess.Popen(  # noqa: S603  (no shell; every argument is ours)
        command,
        cwd=_PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[lock],
    ) as process:
        said = _relay(process)
    if process.returncode != 0:
        raise ConversionFailed(_in_words(process.returncode, said))


def _relay(process: subprocess.Popen[bytes]) -> str:
    """Show a terminal what `process` says while it says it; return the end of it."""
    assert process.stderr is not None
    tail = b""
    while chunk := os.read(process.stderr.fileno(), _TAIL):
        tail = (tail + chunk)[-_TAIL:]
        if sys.stderr.isatty():
            sys.stderr.write(chunk.decode(errors="replace"))
            sys.stderr.flush()
    return tail.decode(errors="replace")


def _in_words(returncode: int, said: str) -> str:
    if returncode < 0:
        return (
            f"the conversion was ended by signal {-returncode}; if this machine ran out of memory, "
            "free some and run this again"
        )
    reason = said.rpartition("error: ")[2].strip() if "error: " in said else "no reason was given"
    return f"the conversion failed: {reason}"
